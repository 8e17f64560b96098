import type { CallOptions } from '../call-options.ts';
import { type Bytes, compareBytes, keyAfter, toBytes } from '../encoding.ts';
import { abortedError, ClientError, closedError } from '../errors.ts';
import { KeyValue } from '../key-value.ts';
import { type Keys, Keyspace, type Span } from '../keyspace.ts';
import { RevisionWaiters } from '../revision-waiters.ts';
import type { WatchBatch } from '../watch/watch-event.ts';
import type { KeyDifference } from './cache-change.ts';
import { CacheChanges } from './cache-changes.ts';
import { CacheFeed, type FeedParts } from './cache-feed.ts';
import { differencesOf, isSameEntry } from './difference.ts';
import { type Interval, SortedEntries } from './sorted-entries.ts';

/** How a range is kept. */
export interface CacheOptions {
  /** How long it may take until everything was read for the first time, in ms. Default: the client's. 0: for ever. */
  readonly timeoutMs?: number;
  /** Ends the cache, as `close` does, with a `ClientError` "aborted". */
  readonly signal?: AbortSignal;
}

/** What is read of a cache, and in which order. */
export interface CachedRangeOptions {
  /** So many keys at most; 0 and default: all of them. */
  readonly limit?: number;
  /** Default: ascending, in the order of bytes. */
  readonly order?: 'ascending' | 'descending';
}

/**
 * - `loading`: everything is being read for the first time;
 * - `live`: changes come as they happen;
 * - `stale`: the watch is lost, or everything is read anew: what is here was so, and perhaps is not any more;
 * - `ended`: it was closed, or has failed.
 */
export type CacheState = 'loading' | 'live' | 'stale' | 'ended';

/** What a cache is made of. */
export interface CacheParts extends FeedParts {
  /** Those that are cached, as the client's namespace has them. */
  readonly keys: Keys;
  /** For waits that say nothing else, in ms. */
  readonly waitTimeoutMs: number;
  /** Why nothing comes, if that is known. */
  readonly lastError: () => ClientError | undefined;
}

/**
 * A copy of a range of keys that follows the store. Reads are local, and each sees the whole range as it was at one
 * revision, `revision`, which only grows. How to read what is later than some moment: `syncedTo`, `synced`.
 *
 * Entries belong to the cache: their bytes must not be changed. Ends with `close`, its `await using`, or the client.
 */
export class Cache implements Iterable<KeyValue>, AsyncDisposable {
  readonly #parts: CacheParts;
  readonly #signal: AbortSignal | undefined;
  readonly #span: Interval;
  readonly #feed: CacheFeed;
  readonly #waiters: RevisionWaiters;
  readonly #readers = new Set<CacheChanges>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #onAbort = () => this.#feed.end(abortedError('cache', this.#signal));
  #callOffLoading: () => void = () => {};
  #entries = SortedEntries.of([]);
  /** 0n before everything was read for the first time. */
  #revision = 0n;
  #live: AbortController | undefined = undefined;
  #staleSinceMs: number;
  #error: ClientError | undefined = undefined;

  /** For `Client.cache`. */
  constructor(parts: CacheParts, { timeoutMs, signal }: CacheOptions) {
    this.#parts = parts;
    this.#signal = signal;
    this.#span = intervalOf(parts.keys);
    const { timers, waitTimeoutMs } = parts;
    this.#staleSinceMs = timers.now();
    this.#waiters = new RevisionWaiters({
      timers,
      timeoutMs: waitTimeoutMs,
      revision: () => this.#revision,
      ask: () => this.#feed.askProgress(),
    });
    this.ready.catch(() => {});
    this.#feed = new CacheFeed(parts, this.#sink());
    const loadingMs = timeoutMs ?? waitTimeoutMs;
    if (loadingMs > 0) {
      this.#callOffLoading = timers.after(loadingMs, () => {
        this.#feed.end(loadingError(loadingMs, parts.lastError()));
      });
    }
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when everything was read. Rejects with `ClientError` when it comes to nothing. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** How it stands: see `CacheState`. */
  get state(): CacheState {
    if (this.#error !== undefined) return 'ended';
    if (this.#revision === 0n) return 'loading';
    return this.#live === undefined ? 'stale' : 'live';
  }

  /** Fires when the cache isn't live any more: then ask for the next one. Aborted already while it is not. */
  get liveSignal(): AbortSignal {
    return this.#live?.signal ?? AbortSignal.abort(this.#error);
  }

  /**
   * Milliseconds since the watch was lost; 0 while it is live. A connection that is dead and does not say so is found
   * out after 20 s: until then the cache takes itself for live.
   */
  get staleMs(): number {
    return this.#live === undefined ? this.#parts.timers.now() - this.#staleSinceMs : 0;
  }

  /** The store's, at which the range was as it is here. Throws as reads do. */
  get revision(): bigint {
    this.#assertReadable();
    return this.#revision;
  }

  /** How many keys there are. Throws as reads do. */
  get size(): number {
    this.#assertReadable();
    return this.#entries.size;
  }

  /**
   * One key's entry; undefined when there is none. Throws `ClientError`: "notReady" before `ready`, "configuration" for
   * a key that is not cached, and what the cache has ended with.
   */
  get(key: Bytes): KeyValue | undefined {
    this.#assertReadable();
    const bytes = toBytes(key);
    this.#assertCached({ start: bytes, end: keyAfter(bytes) });
    return this.#entries.get(bytes);
  }

  /** Whether there is such a key. Throws as `get` does. */
  has(key: Bytes): boolean {
    return this.get(key) !== undefined;
  }

  /** Keys in order, all of one revision; default: all that are cached. Throws as `get` does. */
  range(keys?: Keys, { limit = 0, order }: CachedRangeOptions = {}): KeyValue[] {
    this.#assertReadable();
    const span = keys === undefined ? this.#span : intervalOf(keys);
    this.#assertCached(span);
    const most = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    const found: KeyValue[] = [];
    const isDescending = order === 'descending';
    const entries = isDescending ? this.#entries.descending(span) : this.#entries.ascending(span);
    for (const entry of entries) {
      if (found.length >= most) break;
      found.push(entry);
    }
    return found;
  }

  /** All of this moment, in the order of keys, whatever happens while they are looked at. Throws as reads do. */
  [Symbol.iterator](): IterableIterator<KeyValue> {
    return this.range()[Symbol.iterator]();
  }

  /**
   * Resolves when the cache has all up to a revision, such as that of a write of one's own. Rejects with `ClientError`
   * "timeout" (default: the client's `timeoutMs`), "aborted", or what the cache has ended with.
   */
  syncedTo(revision: bigint, options: CallOptions = {}): Promise<void> {
    return this.#waiters.wait(revision, options);
  }

  /**
   * Resolves when the cache has all that any client's write had done before this was called: what is read here
   * then is as good as a linearizable read. Costs one such read, of one key. Rejects as `syncedTo`, and as calls do.
   */
  async synced(options: CallOptions = {}): Promise<void> {
    await this.ready;
    this.#assertReadable();
    await this.syncedTo(await this.#feed.storeRevision(options), options);
  }

  /**
   * Changes from now on; and before them, unless `initial` is false, all entries there are, as added. Each reader has
   * all of them to itself. They begin to be gathered at once. Throws "notReady" where those that are there should be
   * left out and are not known yet.
   */
  changes({ initial = true }: { readonly initial?: boolean } = {}): CacheChanges {
    if (!initial) this.#assertReadable();
    const changes = new CacheChanges(this.#revision, (closed) => this.#readers.delete(closed));
    if (this.#error !== undefined) {
      changes.fail(this.#error);
      return changes;
    }
    this.#readers.add(changes);
    if (initial) changes.add(differencesOf(SortedEntries.of([]), this.#entries), this.#revision);
    return changes;
  }

  /** Ends it, and all that waits for it with "closed". */
  close(): void {
    this.#feed.end(closedError('cache'));
  }

  /** Ends it, as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #sink() {
    const revision = () => this.#revision;
    return {
      get revision() {
        return revision();
      },
      keep: (entry: KeyValue) => this.#keep(entry),
      replace: (entries: readonly KeyValue[], at: bigint) => this.#replace(entries, at),
      apply: (batch: WatchBatch) => this.#apply(batch),
      onLive: () => this.#onLive(),
      onLost: (error: ClientError | undefined) => this.#onLost(error),
      fail: (error: ClientError) => this.#fail(error),
    };
  }

  /** What is here already is kept; else a copy, since what was read is a view of a whole answer. */
  #keep(entry: KeyValue): KeyValue {
    const there = this.#entries.get(entry.key);
    return there !== undefined && isSameEntry(there, entry) ? there : copyOf(entry);
  }

  #replace(entries: readonly KeyValue[], revision: bigint): void {
    const before = this.#entries;
    this.#entries = SortedEntries.of(entries);
    this.#revision = revision;
    this.#callOffLoading();
    this.#ready.resolve();
    for (const reader of this.#readers) {
      reader.add(differencesOf(before, this.#entries), revision);
    }
    this.#waiters.moved();
  }

  #apply({ events, revision }: WatchBatch): void {
    const differences: KeyDifference[] = [];
    for (const { type, entry: told } of events) {
      const entry = type === 'put' ? copyOf(told) : undefined;
      const { key } = entry ?? told;
      const previous = entry === undefined ? this.#entries.delete(key) : this.#entries.set(entry);
      if (this.#readers.size > 0) differences.push({ key, previous, entry });
    }
    this.#revision = revision;
    for (const reader of this.#readers) reader.add(differences, revision);
    this.#waiters.moved();
  }

  #onLive(): void {
    this.#live ??= new AbortController();
    this.#waiters.askAnew();
  }

  #onLost(reason: ClientError | undefined): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#staleSinceMs = this.#parts.timers.now();
    this.#live = undefined;
    live.abort(reason);
  }

  #fail(error: ClientError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#callOffLoading();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#entries = SortedEntries.of([]);
    this.#ready.reject(error);
    this.#onLost(error);
    this.#waiters.fail(error);
    for (const reader of this.#readers) reader.fail(error);
  }

  #assertReadable(): void {
    if (this.#error !== undefined) throw this.#error;
    if (this.#revision > 0n) return;
    const message = 'the cache has not been read yet: await its ready first';
    throw new ClientError({ code: 'notReady', message, retryable: true });
  }

  #assertCached({ start, end }: Interval): void {
    const { start: first, end: last } = this.#span;
    const endsWithin = last === undefined || (end !== undefined && compareBytes(end, last) <= 0);
    if (endsWithin && compareBytes(start, first) >= 0) return;
    const message =
      'the cache has only the keys it was made for, and cannot say what there is beside';
    throw new ClientError({ code: 'configuration', message });
  }
}

/** Throws `ClientError` "emptyKey" for an empty key that is no range. */
function intervalOf(keys: Keys): Interval {
  const { key, rangeEnd }: Span = new Keyspace(new Uint8Array(0)).span(keys);
  const start = key.slice();
  if (rangeEnd.length === 0) return { start, end: keyAfter(start) };
  // No key is before a zero byte alone: as an end it says that there is none.
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return { start, end: isOpen ? undefined : rangeEnd.slice() };
}

/** With bytes of its own, in one piece. */
function copyOf(entry: KeyValue): KeyValue {
  const { key, value } = entry;
  const bytes = new Uint8Array(key.length + value.length);
  bytes.set(key);
  bytes.set(value, key.length);
  const { createRevision, modRevision, version, lease } = entry;
  return new KeyValue({
    key: bytes.subarray(0, key.length),
    value: bytes.subarray(key.length),
    createRevision,
    modRevision,
    version,
    lease,
  });
}

function loadingError(limitMs: number, cause: ClientError | undefined): ClientError {
  const why = cause === undefined ? '' : `: ${cause.message}`;
  const message = `the keys to be cached could not be read within ${limitMs} ms${why}`;
  return new ClientError({ code: 'timeout', message, retryable: true, cause });
}
