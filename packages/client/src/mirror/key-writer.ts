import type { Client } from '../client.ts';
import { asMapKey, concatBytes } from '../encoding.ts';
import { type Op, op } from '../kv/op.ts';
import { persistently } from '../watch/persistently.ts';

/** A key as it shall be at the destination; its name is what comes after the prefix. */
export interface KeyChange {
  readonly key: Uint8Array;
  /** Undefined: it shall not be there. */
  readonly value: Uint8Array | undefined;
}

/** Where and how keys are written. */
export interface KeyWriterOptions {
  readonly destination: Client;
  readonly prefix: Uint8Array;
  /** Steps of a transaction at most. */
  readonly maxTxnOps: number;
  /** The key that tells how far the destination is, written with what brings it there. */
  readonly checkpoint: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** Bytes of one transaction's keys and values at most, unless one key alone has more: servers take 1.5 MiB. */
const largestTxnBytes = 1 << 20;

/**
 * Changes that belong to one transaction, as far as it takes them. Each key is in it once: what comes later would have
 * to be another one's.
 */
export class TxnDraft {
  readonly #options: KeyWriterOptions;
  readonly #steps = new Map<string, Op<unknown>>();
  #bytes = 0;

  constructor(options: KeyWriterOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#steps.size === 0;
  }

  get steps(): readonly Op<unknown>[] {
    return [...this.#steps.values()];
  }

  /** Whether all of these still fit. */
  takes(changes: readonly KeyChange[]): boolean {
    const { checkpoint, maxTxnOps } = this.#options;
    const count = this.#steps.size + changes.length + (checkpoint === undefined ? 0 : 1);
    let bytes = this.#bytes;
    for (const change of changes) bytes += bytesOf(change);
    if (count > maxTxnOps || bytes > largestTxnBytes) return false;
    return changes.every(({ key }) => !this.#steps.has(asMapKey(key)));
  }

  add(change: KeyChange): void {
    const key = concatBytes(this.#options.prefix, change.key);
    const step = change.value === undefined ? op.delete(key) : op.put(key, change.value);
    this.#steps.set(asMapKey(change.key), step);
    this.#bytes += bytesOf(change);
  }
}

/** Writes keys below a prefix of the destination, in as few transactions as may be. */
export class KeyWriter {
  readonly #options: KeyWriterOptions;
  #written = 0;

  constructor(options: KeyWriterOptions) {
    this.#options = options;
  }

  /** How many times a key was written or deleted. */
  get written(): number {
    return this.#written;
  }

  draft(): TxnDraft {
    return new TxnDraft(this.#options);
  }

  /**
   * Writes what a draft has, and that the destination is at this revision of the source now; undefined: it's on the
   * way. Again and again while nobody answers: it may be done twice. Rejects with `ClientError`.
   */
  async commit(draft: TxnDraft, revision: bigint | undefined): Promise<void> {
    const { destination, checkpoint, signal } = this.#options;
    const steps = [...draft.steps];
    if (checkpoint !== undefined && revision !== undefined) {
      steps.push(op.put(checkpoint, String(revision)));
    }
    if (steps.length === 0) return;
    const transaction = destination.txn().then(...steps);
    await persistently(destination.timers, signal, () =>
      transaction.commit({ isRepeatable: true, signal }),
    );
    this.#written += draft.steps.length;
  }

  /** Writes any number of changes, in several transactions where one does not take them. */
  async commitAll(
    changes: AsyncIterable<KeyChange> | Iterable<KeyChange>,
    revision: () => bigint,
  ): Promise<void> {
    let draft = this.draft();
    for await (const change of changes) {
      if (!draft.isEmpty && !draft.takes([change])) {
        await this.commit(draft, undefined);
        draft = this.draft();
      }
      draft.add(change);
    }
    await this.commit(draft, revision());
  }
}

function bytesOf({ key, value }: KeyChange): number {
  return key.length + (value?.length ?? 0);
}
