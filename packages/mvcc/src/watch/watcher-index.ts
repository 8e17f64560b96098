import type { StoreEvent } from '../store-event.ts';
import { IntervalTree } from './interval-tree.ts';
import type { HubWatcher } from './watcher.ts';

/** Watchers that get exactly the same events in the same form. */
export class WatcherGroup {
  readonly low: string;
  readonly high: string | undefined;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** In the order in which they joined, which is the order in which they are served. */
  readonly members = new Set<HubWatcher>();
  /** Indexes of the current page's events that these watchers get, ascending. Empty between pages. */
  matched: number[] = [];

  constructor(watcher: HubWatcher) {
    this.low = watcher.range.low;
    this.high = watcher.range.high;
    this.prevKv = watcher.prevKv;
    this.noPut = watcher.noPut;
    this.noDelete = watcher.noDelete;
  }

  accepts(watcher: HubWatcher): boolean {
    return (
      this.prevKv === watcher.prevKv &&
      this.noPut === watcher.noPut &&
      this.noDelete === watcher.noDelete
    );
  }
}

/**
 * Finds the watchers of a key: those of the one key in a map, those of ranges in an interval tree. Watchers of the
 * same range stand together, in one group per set of options; there are at most eight.
 */
export class WatcherIndex {
  readonly #exact = new Map<string, WatcherGroup[]>();
  readonly #ranges = new IntervalTree<WatcherGroup[]>();
  /** Scratch of `match`. */
  readonly #found: WatcherGroup[][] = [];

  /** Adds a watcher that is in no index. */
  add(watcher: HubWatcher): void {
    const groups = this.#groupsOf(watcher.range.low, watcher.range.high);
    let group = groups.find((candidate) => candidate.accepts(watcher));
    if (group === undefined) {
      group = new WatcherGroup(watcher);
      groups.push(group);
    }
    group.members.add(watcher);
    watcher.group = group;
  }

  /** Removes a watcher that this index holds. */
  delete(watcher: HubWatcher): void {
    const { group } = watcher;
    if (group === undefined) return;
    watcher.group = undefined;
    group.members.delete(watcher);
    if (group.members.size > 0) return;
    const { low, high } = group;
    const groups = this.#groupsOf(low, high);
    groups.splice(groups.indexOf(group), 1);
    if (groups.length > 0) return;
    if (high === undefined) this.#exact.delete(low);
    else this.#ranges.delete(low, high);
  }

  /**
   * Notes `event`, which has the given index in its page, in every group that gets it, and appends the groups that had
   * none before to `touched`. Returns the number of groups that get it.
   */
  match(event: StoreEvent, index: number, touched: WatcherGroup[]): number {
    const found = this.#found;
    const exact = this.#exact.get(event.keyText);
    if (exact !== undefined) found.push(exact);
    if (this.#ranges.size > 0) this.#ranges.stab(event.keyText, found);
    let count = 0;
    for (const groups of found) {
      for (const group of groups) {
        if (event.deleted ? group.noDelete : group.noPut) continue;
        if (group.matched.length === 0) touched.push(group);
        group.matched.push(index);
        count += 1;
      }
    }
    found.length = 0;
    return count;
  }

  #groupsOf(low: string, high: string | undefined): WatcherGroup[] {
    let groups = high === undefined ? this.#exact.get(low) : this.#ranges.get(low, high);
    if (groups !== undefined) return groups;
    groups = [];
    if (high === undefined) this.#exact.set(low, groups);
    else this.#ranges.set(low, high, groups);
    return groups;
  }
}
