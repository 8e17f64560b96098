import type { StoreEvent } from '../store-event.ts';
import { IndexedHeap } from './indexed-heap.ts';
import type { TimeSlice } from './time-slice.ts';
import type { WatchPage } from './watch-page.ts';
import type { HubWatcher } from './watcher.ts';
import { type WatcherGroup, WatcherIndex } from './watcher-index.ts';

/** What became of a page's events, for the counters. */
export interface Delivery {
  /** Events handed to sinks, once for each watcher. */
  handedOver: number;
}

/**
 * Watchers that stand at the same position: every event below it that they asked for was handed to their sinks. As
 * long as nothing matches them, to move on costs nothing, however many they are.
 */
export class Cohort {
  /** Next revision to hand over. While a page is on its way, that of the page's first event. */
  position: number;
  readonly members = new Set<HubWatcher>();
  /** Watchers to take in when the position reaches their cursor. */
  readonly ahead = new IndexedHeap<HubWatcher>();
  readonly #index = new WatcherIndex();
  /** The page that is on its way, the groups it touches, and how far its delivery came. */
  #page: WatchPage | undefined;
  readonly #touched: WatcherGroup[] = [];
  #group = 0;
  #receivers: IterableIterator<HubWatcher> | undefined;

  constructor(position: number) {
    this.position = position;
  }

  /** Whether a page is on its way: some members have got it, others not yet. */
  get delivering(): boolean {
    return this.#page !== undefined;
  }

  /** Makes a watcher whose cursor is the position a member. Not while a page is on its way. */
  join(watcher: HubWatcher): void {
    this.members.add(watcher);
    this.#index.add(watcher);
    watcher.cohort = this;
  }

  /** Removes a member or a watcher that waits in `ahead`. Its cursor becomes the position. */
  leave(watcher: HubWatcher): void {
    if (watcher.cohort !== this) {
      this.ahead.delete(watcher);
      return;
    }
    this.members.delete(watcher);
    this.#index.delete(watcher);
    watcher.cohort = undefined;
    watcher.cursor = this.position;
  }

  /** Takes out all watchers that wait; they keep their cursors. */
  clearWaiting(): void {
    this.ahead.clear();
  }

  /** Takes in at most `limit` of the waiting watchers whose cursor is the position. */
  admit(limit: number): void {
    for (let i = 0; i < limit && this.ahead.minKey === this.position; i += 1) {
      const watcher = this.ahead.pop();
      if (watcher !== undefined) this.join(watcher);
    }
  }

  /**
   * Finds who gets which of the events, which start at the position. Returns the number of events to put on their way:
   * all, or fewer whole revisions when they make more than `limitPairs` pairs of event and group.
   */
  match(events: readonly StoreEvent[], limitPairs: number): number {
    let pairs = 0;
    for (let i = 0; i < events.length; i += 1) {
      const event = events[i];
      if (event === undefined) continue;
      if (pairs >= limitPairs && event.main !== events[i - 1]?.main) return i;
      pairs += this.#index.match(event, i, this.#touched);
    }
    return events.length;
  }

  /** Puts the events that were just matched on their way. */
  begin(page: WatchPage): void {
    this.#page = page;
    this.#group = 0;
  }

  /**
   * Hands the page to its receivers until it is done or the slice is over; returns whether it is done, and moves the
   * position behind it then. Full receivers that miss something are parked, with their cursor at it.
   */
  deliver(slice: TimeSlice, delivery: Delivery): boolean {
    const page = this.#page;
    if (page === undefined) return true;
    for (; this.#group < this.#touched.length; this.#group += 1) {
      const group = this.#touched[this.#group];
      if (group === undefined) continue;
      if (!this.#deliverTo(group, page, slice, delivery)) return false;
      group.matched.length = 0;
      this.#receivers = undefined;
    }
    this.#touched.length = 0;
    this.#page = undefined;
    this.position = page.next;
    return true;
  }

  /** A set's iterator lives through removals of members, done and coming, so sinks may cancel whom they like. */
  #deliverTo(group: WatcherGroup, page: WatchPage, slice: TimeSlice, delivery: Delivery): boolean {
    this.#receivers ??= group.members.values();
    for (;;) {
      const { value: watcher, done } = this.#receivers.next();
      if (done === true || watcher === undefined) return true;
      if (watcher.paused) {
        this.leave(watcher);
        watcher.parked = true;
        watcher.cursor = page.events[group.matched[0] ?? 0]?.main ?? this.position;
        continue;
      }
      const batch = page.batchFor(group);
      delivery.handedOver += batch.eventCount;
      if (!watcher.sink.onEvents(watcher, batch)) watcher.paused = true;
      if (slice.expired()) return false;
    }
  }
}
