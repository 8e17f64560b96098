import type { StoreEvent } from '../store-event.ts';
import type { EventSource } from './event-source.ts';
import { WatchBatch } from './watch-batch.ts';
import type { WatcherGroup } from './watcher-index.ts';

/**
 * Events of some whole revisions on their way to watchers, and the batches made of them. Groups that get the same run
 * of neighbours, in the same form, share one batch: it's what watchers of one key and of nested ranges have in common.
 */
export class WatchPage {
  readonly events: readonly StoreEvent[];
  /** First revision behind the page. */
  readonly next: number;
  readonly #source: EventSource;
  readonly #runs = new Map<number, WatchBatch>();
  /** What the events replaced, by index; looked up at most once each. */
  #previous: (Uint8Array | undefined)[] | undefined;
  #looked: Uint8Array | undefined;

  constructor(source: EventSource, events: readonly StoreEvent[], next: number) {
    this.#source = source;
    this.events = events;
    this.next = next;
  }

  /** The batch for a group, of the events that are noted in it (at least one). */
  batchFor(group: WatcherGroup): WatchBatch {
    const { matched, prevKv } = group;
    const first = matched[0] ?? 0;
    const last = matched[matched.length - 1] ?? 0;
    const isRun = last - first + 1 === matched.length;
    if (!isRun) return this.#encode(matched, prevKv);
    const name = (first * this.events.length + last) * 2 + (prevKv ? 1 : 0);
    let batch = this.#runs.get(name);
    if (batch === undefined) {
      batch = this.#encode(matched, prevKv);
      this.#runs.set(name, batch);
    }
    return batch;
  }

  #encode(matched: readonly number[], prevKv: boolean): WatchBatch {
    const events: StoreEvent[] = [];
    for (const index of matched) {
      const event = this.events[index];
      if (event !== undefined) events.push(event);
    }
    const previous = prevKv ? matched.map((index) => this.#previousOf(index)) : undefined;
    return new WatchBatch(events, previous, this.next - 1);
  }

  /**
   * What the key was before the event's revision, as etcd means it: a change of a key that the same request changed
   * before goes back to what that earlier change replaced.
   */
  #previousOf(index: number): Uint8Array | undefined {
    this.#previous ??= new Array(this.events.length);
    this.#looked ??= new Uint8Array(this.events.length);
    if (this.#looked[index] === 0) {
      this.#looked[index] = 1;
      const event = this.events[index];
      if (event !== undefined && event.prevMain === event.main) {
        this.#previous[index] = this.#previousOf(index - (event.sub - event.prevSub));
      } else if (event !== undefined && event.prevMain > 0) {
        this.#previous[index] = event.prev ?? this.#source.previousOf(event);
      }
    }
    return this.#previous[index];
  }
}
