import { Cohort } from './cohort.ts';
import { IndexedHeap } from './indexed-heap.ts';
import type { HubWatcher } from './watcher.ts';

/** What a sweep does next. */
export type SweepStep =
  /** Hand over the events from its position to below `until`. */
  | { readonly kind: 'read'; readonly until: number }
  /** Let members off. */
  | { readonly kind: 'letOff' }
  /** Plan again: more watchers wait at this position. */
  | { readonly kind: 'admit' };

const LET_OFF: SweepStep = { kind: 'letOff' };
const ADMIT_MORE: SweepStep = { kind: 'admit' };

/**
 * Reads forward over past events for all watchers that lag, together: like a lift, it starts at the oldest cursor,
 * takes in watchers as it comes by, and lets all off at the goal. Whoever arrives behind it waits for the next round.
 *
 * A round ends at the goal as it was when the round began if somebody waits behind: else a goal that runs away as fast
 * as the sweep would keep them waiting for ever. The members then wait with them, and are met again on the way.
 */
export class Sweep extends Cohort {
  /** Watchers whose cursor was passed already in this round. */
  readonly #behind = new IndexedHeap<HubWatcher>();
  /** Where this round may end. */
  #target = 0;

  constructor() {
    super(0);
  }

  get idle(): boolean {
    return this.members.size === 0 && this.ahead.size === 0 && this.#behind.size === 0;
  }

  /** Watchers in the sweep, whether they are on board or wait. */
  get watcherCount(): number {
    return this.members.size + this.ahead.size + this.#behind.size;
  }

  /** Adds a watcher that stands at its cursor. */
  enter(watcher: HubWatcher): void {
    const heap = watcher.cursor < this.position ? this.#behind : this.ahead;
    heap.set(watcher, watcher.cursor);
  }

  override leave(watcher: HubWatcher): void {
    super.leave(watcher);
    this.#behind.delete(watcher);
  }

  override clearWaiting(): void {
    super.clearWaiting();
    this.#behind.clear();
  }

  /**
   * Prepares the next step of a sweep that is not idle and has no page on its way. `goal` is the revision where
   * watchers are let off, above every cursor that ever entered. At most `limit` waiting watchers are taken in.
   */
  plan(goal: number, limit: number): SweepStep {
    if (this.members.size === 0) this.#startAtNext(goal);
    if (this.position >= goal) return LET_OFF;
    if (this.position >= this.#target) {
      if (this.#behind.size > 0) return LET_OFF;
      this.#target = goal;
    }
    this.admit(limit);
    if (this.ahead.minKey === this.position) return ADMIT_MORE;
    return { kind: 'read', until: Math.min(goal, this.#target, this.ahead.minKey) };
  }

  /** Takes members out, at most `limit`, and gives each to `place`. */
  letOff(limit: number, place: (watcher: HubWatcher) => void): void {
    let count = 0;
    for (const watcher of this.members) {
      if (count >= limit) return;
      count += 1;
      this.leave(watcher);
      place(watcher);
    }
  }

  /** Jumps to the next waiting watcher; starts a new round when this one has none left. */
  #startAtNext(goal: number): void {
    if (this.#behind.size > 0 && this.ahead.minKey >= this.#target) {
      for (let next = this.#behind.pop(); next !== undefined; next = this.#behind.pop()) {
        this.ahead.set(next, next.cursor);
      }
      this.#target = goal;
    }
    this.position = this.ahead.minKey;
  }
}
