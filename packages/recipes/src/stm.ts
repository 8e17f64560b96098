import {
  type Bytes,
  type Client,
  ClientError,
  type Compare,
  compare,
  type KeyValue,
  op,
} from '@kvorum/client';
import { abortedError, RecipeError } from './errors.ts';
import type { WaitOptions } from './session.ts';
import { ReadSet } from './stm-reads.ts';
import { type StmValue, WrittenValue } from './stm-value.ts';

/**
 * What a transaction is kept from seeing, as in etcd, from the strongest on:
 * - `serializableSnapshot`: all reads are of one revision, and it is committed only when nothing it has read or written
 *   was changed by others since then;
 * - `serializable`: all reads are of one revision, and nothing it has read was changed;
 * - `repeatableReads`: each key is read once, at whatever revision, and nothing it has read was changed;
 * - `readCommitted`: each read gives what is there; nothing is checked, and updates of others can be lost.
 */
export type Isolation =
  | 'serializableSnapshot'
  | 'serializable'
  | 'repeatableReads'
  | 'readCommitted';

/** How a transaction is run. */
export interface StmOptions extends WaitOptions {
  /** Default: `serializableSnapshot`. */
  readonly isolation?: Isolation;
  /** How often it is run at most, as long as others come in between. Default 1000. */
  readonly maxAttempts?: number;
}

/** What a transaction can do. All reads see its own writes. */
export interface StmTransaction {
  /** Reads a key; undefined when there is none. */
  get(key: string): Promise<StmValue | undefined>;
  /** Writes a key, when the transaction is committed. */
  put(key: string, value: Bytes, options?: { readonly lease?: bigint }): void;
  /** Deletes a key, when the transaction is committed. */
  delete(key: string): void;
}

/** What came of a transaction. */
export interface StmResult<T> {
  /** What the function returned whose writes were committed. */
  readonly result: T;
  /** The store's revision then. */
  readonly revision: bigint;
  /** How often it was run. */
  readonly attempts: number;
}

/** A write that waits to be committed; undefined deletes. */
interface Write {
  readonly value: Bytes | undefined;
  readonly lease: bigint | undefined;
}

const defaultAttempts = 1000;

/**
 * Software transactional memory: runs a function that reads and writes keys, and commits what it wrote at once, or runs
 * it again when others came in between. The function must do nothing else that counts, since it may run often.
 *
 * Rejects with what the function throws, then nothing was written; with `RecipeError` "conflict" after too many
 * attempts, or "aborted"; with `ClientError`: "tooManyOps" when more keys are read or written than the server allows in
 * one transaction (128 by default); where `mayHaveApplied` is set, no answer came, and it is not run again.
 */
export async function stm<T>(
  client: Client,
  apply: (transaction: StmTransaction) => Promise<T> | T,
  options: StmOptions = {},
): Promise<StmResult<T>> {
  const { isolation = 'serializableSnapshot', maxAttempts = defaultAttempts, signal } = options;
  const reads = new ReadSet(client, isolation, signal);
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    if (signal?.aborted === true) throw abortedError('the transaction', signal);
    const attempt = new Attempt(client, reads);
    try {
      const result = await apply(attempt);
      const revision = await attempt.commit(isolation);
      if (revision !== undefined) return { result, revision, attempts };
    } catch (error) {
      if (isOfAbort(error, signal)) throw abortedError('the transaction', signal);
      // What was read first is no longer there to be compared with: read all anew.
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
      reads.forget();
    }
  }
  const message = `others changed what the transaction reads, in ${maxAttempts} attempts`;
  throw new RecipeError('conflict', message);
}

function isOfAbort(error: unknown, signal: AbortSignal | undefined): signal is AbortSignal {
  return error instanceof ClientError && error.code === 'aborted' && signal?.aborted === true;
}

class Attempt implements StmTransaction {
  readonly #client: Client;
  readonly #reads: ReadSet;
  readonly #writes = new Map<string, Write>();

  constructor(client: Client, reads: ReadSet) {
    this.#client = client;
    this.#reads = reads;
  }

  async get(key: string): Promise<StmValue | undefined> {
    const write = this.#writes.get(key);
    if (write === undefined) return await this.#reads.get(key);
    return write.value === undefined ? undefined : new WrittenValue(write.value);
  }

  put(key: string, value: Bytes, { lease }: { readonly lease?: bigint } = {}): void {
    this.#writes.set(key, { value, lease });
  }

  delete(key: string): void {
    this.#writes.set(key, { value: undefined, lease: undefined });
  }

  /** Its revision; undefined when others came in between: then the next attempt begins with what there is now. */
  async commit(isolation: Isolation): Promise<bigint | undefined> {
    const keys = this.#reads.keys;
    const ops = [...this.#writes].map(([key, { value, lease }]) => {
      if (value === undefined) return op.delete(key);
      return op.put(key, value, lease === undefined ? {} : { lease });
    });
    const result = await this.#client
      .txn()
      .if(...this.#conditions(isolation))
      .then(...ops)
      .else(...keys.map((key) => op.get(key)))
      .commit();
    if (result.succeeded) return result.revision;
    const entries: readonly (KeyValue | undefined)[] = result.results;
    this.#reads.restart(new Map(keys.map((key, at) => [key, entries[at]])), result.revision);
    return undefined;
  }

  #conditions(isolation: Isolation): Compare[] {
    if (isolation === 'readCommitted') return [];
    const conditions = this.#reads.conditions();
    const { snapshot } = this.#reads;
    if (isolation !== 'serializableSnapshot' || snapshot === 0n) return conditions;
    const unread = [...this.#writes.keys()].filter((key) => !this.#reads.keys.includes(key));
    return [...conditions, ...unread.map((key) => compare.modRevision(key, '<', snapshot + 1n))];
  }
}
