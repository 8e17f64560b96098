import { asMapKey } from '../encoding.ts';
import type { ClientError } from '../errors.ts';
import { type CacheBatch, type CacheChange, changeOf, type KeyDifference } from './cache-change.ts';

/**
 * Changes of a cache, for one reader: `for await (const change of cache.changes())`. A reader that is behind holds up
 * nobody: changes of one key that it has not taken yet become one, so at most one waits for each key. Leaving the loop
 * ends it.
 */
export class CacheChanges implements AsyncIterable<CacheChange>, AsyncDisposable {
  readonly #onClosed: (changes: CacheChanges) => void;
  /** What the reader has not taken, by key; the latest is last. */
  #waiting = new Map<string, KeyDifference>();
  #revision: bigint;
  #error: ClientError | undefined = undefined;
  #isClosed = false;
  #wake: (() => void) | undefined = undefined;

  /** For `Cache.changes`. `onClosed` is called once, when nothing has to be told any more. */
  constructor(revision: bigint, onClosed: (changes: CacheChanges) => void) {
    this.#revision = revision;
    this.#onClosed = onClosed;
  }

  /** For the cache: what has changed up to a revision. */
  add(differences: Iterable<KeyDifference>, revision: bigint): void {
    this.#revision = revision;
    for (const difference of differences) {
      const name = asMapKey(difference.key);
      const waiting = this.#waiting.get(name);
      this.#waiting.delete(name);
      const previous = waiting === undefined ? difference.previous : waiting.previous;
      const merged = { ...difference, previous };
      if (changeOf(merged) !== undefined) this.#waiting.set(name, merged);
    }
    if (this.#waiting.size > 0) this.#wakeReader();
  }

  /** For the cache: it has ended. The reader gets what waits, then the error. */
  fail(error: ClientError): void {
    this.#error = error;
    this.#wakeReader();
  }

  /** One by one. Throws `ClientError` to the reader when the cache has ended. */
  async *[Symbol.asyncIterator](): AsyncGenerator<CacheChange, void, undefined> {
    for await (const { changes } of this.batches()) yield* changes;
  }

  /**
   * All that waits at once: who applies a batch to what it knew has exactly what the cache had at its revision. Throws
   * as the iterator does.
   */
  async *batches(): AsyncGenerator<CacheBatch, void, undefined> {
    try {
      while (!this.#isClosed) {
        if (this.#waiting.size > 0) yield this.#take();
        else if (this.#error !== undefined) throw this.#error;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  /** Ends it: the reader gets nothing more, and its loop ends. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting.clear();
    this.#onClosed(this);
    this.#wakeReader();
  }

  /** Ends it, as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #take(): CacheBatch {
    const changes: CacheChange[] = [];
    for (const difference of this.#waiting.values()) {
      const change = changeOf(difference);
      if (change !== undefined) changes.push(change);
    }
    this.#waiting.clear();
    return { revision: this.#revision, changes };
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
