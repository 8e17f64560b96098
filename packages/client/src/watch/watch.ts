import { abortedError, ClientError, closedError } from '../errors.ts';
import type { Timers } from '../timers.ts';
import { EventIterator } from './event-iterator.ts';
import { listed, type SourceBatch, type WatchBatch, type WatchEvent } from './watch-event.ts';
import type { WatchSource } from './watch-source.ts';

/** How a key, or a range, is watched. */
export interface WatchOptions {
  /** The first revision whose events are wanted; it may be to come. Default: the one after the server's latest. */
  readonly startRevision?: bigint;
  /** Whether events have what was there before. Default false. */
  readonly previous?: boolean;
  /** Events of one type alone. Default: both. */
  readonly only?: 'put' | 'delete';
  /** Whether batches come that have no events, when the revision has moved on without any. Default false. */
  readonly progress?: boolean;
  /**
   * What happens when events that were not delivered yet have been compacted away, after a long absence:
   * - `throw` (default): the reader gets a `ClientError` "compacted", with `compactRevision`;
   * - `relist`: everything is read anew, and one batch of synthetic events tells what has changed since the last one
   *   that was delivered. To know that, the watch keeps all keys of its range, and their revisions, in memory.
   */
  readonly onCompaction?: 'throw' | 'relist';
  /**
   * Bytes of events that may wait for the reader. When it is behind by more, the server is told to stop, and to go on
   * from there once the reader has caught up. Default 4 MiB; one response more may come.
   */
  readonly maxQueuedBytes?: number;
  /** Called whenever a server has the watch: for the first time, and again after its stream was lost. */
  readonly onConnected?: () => void;
  /**
   * Called when the stream of the watch is lost, with the error that it ended with if there is one. Nothing need be
   * done about it: the watch goes on at another member.
   */
  readonly onDisconnected?: (error: ClientError | undefined) => void;
  /** How long it may take until the server has the watch for the first time, in ms. Default: the client's. 0: for ever. */
  readonly timeoutMs?: number;
  /** Ends the watch; the reader gets a `ClientError` "aborted". */
  readonly signal?: AbortSignal;
}

/**
 * Changes as they happen, for one reader: `for await (const event of watch)`. Each is delivered once, in order, none is
 * left out: when the stream is lost, it goes on at another member, from the revision after the last one. Leaving the
 * loop, or its `await using`, ends it.
 */
export class Watch implements AsyncIterable<WatchEvent>, AsyncDisposable {
  readonly #source: WatchSource;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#source.end(abortedError('watch', this.#signal));
  #revision: bigint | undefined = undefined;
  #isClosed = false;

  /** For `Client.watch`. */
  constructor(source: WatchSource, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#signal = signal;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Resolves with the first revision that is watched, when the server has the watch: what is written from then on is
   * seen. Rejects with `ClientError` when it comes to nothing; that need not be handled here, the reader gets it too.
   */
  get opened(): Promise<bigint> {
    return this.#source.opened;
  }

  /** All up to this revision has been handed to the reader; another watch may go on from the next. Undefined: none. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /** Events one by one. Throws `ClientError` to the reader when nothing comes any more, but for `close`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchEvent, void, undefined> {
    return new EventIterator(
      () => this.#next(),
      () => this.close(),
    );
  }

  /** Events by revisions, and what the options ask for besides. Throws as the iterator does. */
  async *batches(): AsyncGenerator<WatchBatch, void, undefined> {
    try {
      for (let batch = await this.#next(); batch !== undefined; batch = await this.#next()) {
        yield { revision: batch.revision, events: listed(batch.events) };
      }
    } finally {
      this.close();
    }
  }

  /**
   * Asks the server how far it is; with `progress` the answer comes as a batch. There is none while the watch is being
   * opened, or this or another watch of the client is behind.
   */
  requestProgress(): void {
    this.#source.askProgress();
  }

  /** Ends it: the reader gets nothing more, and its loop ends. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#source.end(closedError('watch'));
  }

  /** Ends it, as `close` does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Undefined when it was closed. */
  async #next(): Promise<SourceBatch | undefined> {
    try {
      const batch = await this.#source.next();
      this.#revision = batch.revision;
      return batch;
    } catch (error) {
      if (this.#isClosed) return undefined;
      this.close();
      throw error;
    }
  }
}

/** Ends a watch that the server does not have in time. `reason` is asked then for what has gone wrong last. */
export function limitOpening(
  source: WatchSource,
  timers: Timers,
  timeoutMs: number,
  reason: () => ClientError | undefined,
): void {
  if (timeoutMs === 0) return;
  const callOff = timers.after(timeoutMs, () => {
    const cause = reason();
    const failures = cause?.failures ?? [];
    const code = cause?.code === 'unreachable' ? 'unreachable' : 'timeout';
    const message = `no watch within ${timeoutMs} ms${cause === undefined ? '' : `: ${cause.message}`}`;
    source.end(new ClientError({ code, message, failures, retryable: true, cause }));
  });
  source.opened.then(callOff, callOff);
}
