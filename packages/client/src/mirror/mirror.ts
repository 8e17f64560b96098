import type { CallOptions } from '../call-options.ts';
import type { Client } from '../client.ts';
import { type Bytes, compareBytes, toBytes } from '../encoding.ts';
import { abortedError, ClientError, closedError } from '../errors.ts';
import { RevisionWaiters } from '../revision-waiters.ts';
import { persistently } from '../watch/persistently.ts';
import type { Watch } from '../watch/watch.ts';
import { keyDifferences } from './key-differences.ts';
import { type KeyChange, KeyWriter } from './key-writer.ts';
import { RevisionQueue } from './revision-queue.ts';

/** What is mirrored, and how. */
export interface MirrorOptions {
  /** Which keys of the source. Default: all. */
  readonly prefix?: Bytes;
  /** What stands in place of the prefix at the destination. Default: the same. */
  readonly destinationPrefix?: Bytes;
  /**
   * Everything up to the revision before this one is at the destination already. Default: what the checkpoint says, and
   * without one everything is copied first.
   */
  readonly startRevision?: bigint;
  /**
   * A key of the destination where the mirror notes how far it is, with each transaction: another one that is started
   * with it goes on from there. It is never itself mirrored. Default: none.
   */
  readonly checkpoint?: Bytes;
  /**
   * Whether keys below the destination's prefix that the source has not are deleted while everything is copied. It also
   * allows to copy anew when changes were compacted away; without it the mirror ends then as "compacted", since deletions
   * would be missed. Default false.
   */
  readonly prune?: boolean;
  /** Steps of one transaction at the destination, at most. Default 128, which servers take unless told otherwise. */
  readonly maxTxnOps?: number;
  /** Ends the mirror with "aborted". */
  readonly signal?: AbortSignal;
}

const defaultTxnOps = 128;

/**
 * Keeps the keys below a prefix of one store as they are in another, until it is closed: copies what there is, then
 * follows what changes. Values are copied, leases and revisions are not: a key that a lease takes away at the source is
 * deleted at the destination. See `mirror`.
 */
export class Mirror implements AsyncDisposable {
  readonly #source: Client;
  readonly #destination: Client;
  readonly #options: MirrorOptions;
  readonly #prefix: Uint8Array;
  readonly #checkpoint: Uint8Array | undefined;
  readonly #ended = new AbortController();
  readonly #writer: KeyWriter;
  readonly #waiters: RevisionWaiters;
  readonly #onAbort = () => this.#end(abortedError('mirror', this.#options.signal));
  readonly #closed = closedError('mirror');
  readonly #ready = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #watch: Watch | undefined = undefined;
  #revision: bigint | undefined = undefined;

  /** For `mirror`. */
  constructor(source: Client, destination: Client, options: MirrorOptions) {
    const { prefix = '', destinationPrefix = prefix, checkpoint, signal } = options;
    this.#options = options;
    // The caller's bytes may change.
    this.#prefix = toBytes(destinationPrefix).slice();
    this.#checkpoint = checkpoint === undefined ? undefined : toBytes(checkpoint).slice();
    this.#source = source.namespace(prefix);
    this.#destination = destination;
    this.#writer = new KeyWriter({
      destination,
      prefix: this.#prefix,
      maxTxnOps: options.maxTxnOps ?? defaultTxnOps,
      checkpoint: this.#checkpoint,
      signal: this.#ended.signal,
    });
    this.#waiters = new RevisionWaiters({
      timers: source.timers,
      timeoutMs: source.rpc.timeoutMs,
      revision: () => this.#revision ?? 0n,
      ask: () => this.#watch?.requestProgress(),
    });
    this.ready.catch(() => {});
    this.#running = this.#run();
    this.#running.catch(() => {});
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when everything that was there is at the destination. Rejects with `ClientError` when it never will be. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when it was closed; rejects with `ClientError` when it cannot go on. */
  get ended(): Promise<void> {
    return this.#running;
  }

  /** The destination has all that the source had at this revision. Undefined until `ready`. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /** How many times a key was written or deleted at the destination so far. */
  get written(): number {
    return this.#writer.written;
  }

  /** Resolves when the destination has all up to a revision of the source. Rejects as `Cache.syncedTo` does. */
  syncedTo(revision: bigint, options: CallOptions = {}): Promise<void> {
    return this.#waiters.wait(revision, options);
  }

  /** Ends it. What is under way to the destination may still be done; `ended` resolves when nothing is any more. */
  close(): void {
    this.#end(this.#closed);
  }

  /** Ends it; resolves when nothing is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#running.catch(() => {});
  }

  #end(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#ended.abort(error);
    this.#ready.reject(error);
    this.#waiters.fail(error);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    try {
      this.#moveTo((await this.#known()) ?? (await this.#copy()));
      this.#ready.resolve();
      for (;;) {
        await this.#follow();
        this.#moveTo(await this.#copy());
      }
    } catch (error) {
      this.#end(error);
      const { reason } = signal;
      if (reason !== this.#closed) throw reason;
    }
  }

  /** What the destination has already, by what the caller or the checkpoint says. */
  async #known(): Promise<bigint | undefined> {
    const { startRevision } = this.#options;
    if (startRevision !== undefined) return startRevision - 1n;
    if (this.#checkpoint === undefined) return undefined;
    const key = this.#checkpoint;
    const noted = await this.#persistently((signal) => this.#destination.get(key, { signal }));
    if (noted === undefined) return undefined;
    const text = noted.string();
    if (!/^\d{1,19}$/.test(text)) throw foreignCheckpoint(key);
    const { revision } = await this.#persistently((signal) =>
      this.#source.range({ prefix: '' }, { limit: 1, keysOnly: true, signal }),
    );
    if (revision < BigInt(text)) throw laterThanSource(BigInt(text), revision);
    return BigInt(text);
  }

  /** Makes the destination have what the source has now, and gives its revision. */
  #copy(): Promise<bigint> {
    return this.#persistently(async (signal) => {
      let revision = 0n;
      const pages = this.#source.getAll({ prefix: '' }, { signal }).pages();
      async function* wanted() {
        for await (const page of pages) {
          ({ revision } = page);
          yield* page.entries;
        }
      }
      const there = this.#destination.namespace(this.#prefix).getAll({ prefix: '' }, { signal });
      const differences = keyDifferences(wanted(), there, this.#options.prune === true);
      await this.#writer.commitAll(this.#mirrored(differences), () => revision);
      return revision;
    });
  }

  async *#mirrored(changes: AsyncIterable<KeyChange>): AsyncGenerator<KeyChange> {
    for await (const change of changes) if (!this.#isCheckpoint(change.key)) yield change;
  }

  /** Follows the source from what the destination has. Resolves when changes were compacted away, if that may be. */
  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    const from = (this.#revision ?? 0n) + 1n;
    const options = { startRevision: from, progress: true, timeoutMs: 0 };
    await using watch = this.#source.watch({ prefix: '' }, options);
    await using queue = new RevisionQueue(this.#writer, {
      onWritten: (revision) => this.#moveTo(revision),
      onFailed: (error) => this.#end(error),
    });
    this.#watch = watch;
    const closeWatch = () => watch.close();
    signal.addEventListener('abort', closeWatch, { once: true });
    try {
      signal.throwIfAborted();
      for await (const { revision, events } of watch.batches()) {
        const mirrored = events.filter(({ entry }) => !this.#isCheckpoint(entry.key));
        await queue.add(mirrored, revision);
      }
      signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      const isCompacted = error instanceof ClientError && error.code === 'compacted';
      if (!isCompacted || this.#options.prune !== true) throw error;
    } finally {
      this.#watch = undefined;
      signal.removeEventListener('abort', closeWatch);
    }
  }

  #moveTo(revision: bigint): void {
    this.#revision = revision;
    this.#waiters.moved();
  }

  #isCheckpoint(key: Uint8Array): boolean {
    const { length } = this.#prefix;
    const name = this.#checkpoint;
    if (name === undefined || name.length !== length + key.length) return false;
    return (
      compareBytes(name.subarray(0, length), this.#prefix) === 0 &&
      compareBytes(name.subarray(length), key) === 0
    );
  }

  #persistently<T>(attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#ended;
    return persistently(this.#source.timers, signal, () => attempt(signal));
  }
}

/**
 * Copies the keys below a prefix to another store, or to another prefix, and goes on with what changes, in the order
 * in which it does. Each revision of the source is within one transaction at the destination, alone or with some that
 * follow, unless it's larger than one may be; so who reads the destination sees the source as it was at some revision.
 *
 * The clients stay the caller's. What was begun is written again when no answer comes, so nobody else should write these
 * keys at the destination. Within one store the two prefixes must lie apart, or the copies are copied without end.
 */
export function mirror(source: Client, destination: Client, options: MirrorOptions = {}): Mirror {
  return new Mirror(source, destination, options);
}

function foreignCheckpoint(key: Uint8Array): ClientError {
  const name = new TextDecoder().decode(key);
  const message = `"${name}" at the destination is no checkpoint of a mirror: give another key, or delete it`;
  return new ClientError({ code: 'configuration', message });
}

function laterThanSource(noted: bigint, revision: bigint): ClientError {
  const message =
    `the destination has revision ${noted} of the source, which is at ${revision}: is it another store, or restored ` +
    'from a backup? Delete the checkpoint to copy everything anew';
  return new ClientError({ code: 'futureRev', message });
}
