import type { EventList } from './packed-events.ts';
import type { SourceBatch, WatchEvent } from './watch-event.ts';

const none: EventList<WatchEvent> = [];

/**
 * The events of batches, one by one. By hand: a generator would take three turns of the microtask queue for each, and
 * hold on to the last batch while it waits for the next. For one reader, which waits for each event before it asks for
 * the next.
 */
export class EventIterator implements AsyncIterableIterator<WatchEvent, void, undefined> {
  readonly #nextBatch: () => Promise<SourceBatch | undefined>;
  readonly #close: () => void;
  #events = none;
  #at = 0;

  /** `nextBatch` resolves with undefined at the end; `close` is called when the reader, or what it gets, is no good. */
  constructor(nextBatch: () => Promise<SourceBatch | undefined>, close: () => void) {
    this.#nextBatch = nextBatch;
    this.#close = close;
  }

  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    if (this.#at >= this.#events.length) return this.#nextOfBatches();
    try {
      return Promise.resolve(this.#take());
    } catch (error) {
      this.#end();
      return Promise.reject(error);
    }
  }

  return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextOfBatches(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#events = none;
    for (;;) {
      const batch = await this.#nextBatch();
      if (batch === undefined) return { done: true, value: undefined };
      if (batch.events.length === 0) continue;
      this.#events = batch.events;
      this.#at = 0;
      return this.#take();
    }
  }

  #take(): IteratorResult<WatchEvent, undefined> {
    const value = this.#events.at(this.#at++);
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  #end(): void {
    this.#events = none;
    this.#close();
  }
}
