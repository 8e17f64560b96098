import { type Client, ClientError, type KeyValue, type Timers, type Watch } from '@kvorum/client';
import { abortedError } from './errors.ts';
import { persistently } from './persistently.ts';

/** `now`, `start`, or the position of the last message that is not wanted. */
export type StartOfSubscription = 'now' | 'start' | bigint;

/** What a subscription works with. */
export interface SubscriptionParts {
  readonly client: Client;
  readonly prefix: string;
  readonly timers: Timers;
  readonly from: StartOfSubscription;
  readonly signal: AbortSignal | undefined;
}

/** Messages that are read at once, when they are replayed. */
const pageMessages = 500;

/**
 * Messages of a topic, for one reader: `for await (const message of subscription)`. A message is a `KeyValue`; its
 * `createRevision` is its position, from which another subscription can go on. Leaving the loop, or its `await using`, ends
 * it. Throws to the reader `RecipeError` "aborted", and `ClientError` when the server refuses.
 */
export class Subscription implements AsyncIterable<KeyValue>, AsyncDisposable {
  readonly #parts: SubscriptionParts;
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  /** From now: it begins when it is made, not when it is read. */
  #watch: Watch | undefined = undefined;
  #position: bigint;

  /** For `Topic.subscribe`. */
  constructor(parts: SubscriptionParts) {
    const { from, signal } = parts;
    this.#parts = parts;
    this.#signal =
      signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
    this.#position = typeof from === 'bigint' ? from : 0n;
    if (from === 'now') this.#watch = this.#open({});
  }

  /**
   * Resolves when all messages that are published from then on will be seen. Rejects with `ClientError`; the reader gets
   * that, too.
   */
  async opened(): Promise<void> {
    await this.#watch?.opened;
  }

  /** Of the last message that was handed to the reader; 0n: none yet. */
  get position(): bigint {
    return this.#position;
  }

  /** The messages, in order. Throws to the reader what ends it, but for `close`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KeyValue, void, undefined> {
    try {
      let watch = this.#watch;
      this.#watch = undefined;
      for (;;) {
        try {
          watch ??= yield* this.#replay();
          for await (const { entry } of watch) {
            // A message is written once.
            if (entry.version !== 1n || entry.createRevision <= this.#position) continue;
            this.#position = entry.createRevision;
            yield entry;
          }
          return;
        } catch (error) {
          // What was missed is read from the keys.
          if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
          if (this.#position === 0n) this.#position = (await this.#oldestUnseen(watch)) - 1n;
          watch = undefined;
        }
      }
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const { signal } = this.#parts;
      throw signal?.aborted === true ? abortedError('the subscription', signal) : error;
    } finally {
      this.close();
    }
  }

  /** Ends it: the reader's loop ends. */
  close(): void {
    this.#closed.abort();
    this.#watch?.close();
  }

  /** Ends it, as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Gives what is kept, from the position on, and then what is yet to come. */
  async *#replay(): AsyncGenerator<KeyValue, Watch, undefined> {
    let revision = 0n;
    for (;;) {
      const page = await this.#page(revision);
      ({ revision } = page);
      for (const entry of page.entries) {
        this.#position = entry.createRevision;
        yield entry;
      }
      if (page.entries.length < pageMessages) return this.#open({ startRevision: revision + 1n });
    }
  }

  async #page(pinned: bigint) {
    const { client, prefix, timers } = this.#parts;
    const options = {
      revision: pinned,
      minCreateRevision: this.#position + 1n,
      sortBy: 'createRevision',
      limit: pageMessages,
      signal: this.#signal,
    } as const;
    const page = await persistently(() => client.range({ prefix }, options), timers, this.#signal);
    return { entries: page.entries, revision: pinned === 0n ? page.revision : pinned };
  }

  #open(options: { readonly startRevision?: bigint }): Watch {
    const { client, prefix } = this.#parts;
    const watch = { ...options, only: 'put', timeoutMs: 0, signal: this.#signal } as const;
    return client.watch({ prefix }, watch);
  }

  /** Where a subscription from now has begun, that has seen nothing yet. */
  async #oldestUnseen(watch: Watch | undefined): Promise<bigint> {
    return watch === undefined ? 1n : await watch.opened;
  }
}
