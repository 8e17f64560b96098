import type { Cohort } from './cohort.ts';
import type { WatchBatch } from './watch-batch.ts';
import type { WatchRange } from './watch-range.ts';
import type { WatcherGroup } from './watcher-index.ts';

/** What to watch. Byte arrays are read during the call only. */
export interface WatchRequest {
  /** First key; empty means the least key there is. */
  readonly key: Uint8Array;
  /** As in etcd: empty = the one key, one zero byte = every key from `key` on, else [key, rangeEnd). */
  readonly rangeEnd: Uint8Array;
  /** First revision to hear of, in the past or in the future; 0 = what comes after this call. */
  readonly startRevision: number;
  /** Attach what a change replaced, except for creations and where that is compacted. */
  readonly prevKv: boolean;
  /** Leave out puts. */
  readonly noPut: boolean;
  /** Leave out deletions. */
  readonly noDelete: boolean;
}

/**
 * Receives what a watcher watches. Never called from within `WatchHub.watch()`, nor after the watcher was
 * cancelled. It may call anything of the hub and its watchers, but must not throw.
 */
export interface WatchSink {
  /**
   * Takes the next events. False = taken, but the receiver is full: nothing more comes until `watcher.resume()`.
   * Must be followed by that call on a later occasion, not within this one.
   */
  onEvents(watcher: Watcher, batch: WatchBatch): boolean;
  /**
   * The next events of the watcher are compacted: it is over and was removed. A new watcher can start at
   * `compactRevision`, the oldest revision whose events are still there.
   */
  onCompacted(watcher: Watcher, compactRevision: number): void;
}

/** One watcher of a hub, as its owner sees it. */
export interface Watcher {
  /** Every event below this revision that the watcher asked for was handed to its sink. */
  readonly nextRevision: number;
  /**
   * The hub's newest revision has reached the watcher's start, and every event up to it was handed over.
   * False while it waits for a start in the future, as etcd answers no progress request for those.
   */
  readonly synced: boolean;
  /** Whether every event up to `revision` was handed over, and the start is not above it. */
  syncedAt(revision: number): boolean;
  /** Whether it is removed: cancelled, or told that it was compacted. */
  readonly closed: boolean;
  /** Takes up again after `onEvents` returned false; the events since come from memory or disk. Else does nothing. */
  resume(): void;
  /** Removes the watcher; its sink hears nothing any more. Does nothing the second time. */
  cancel(): void;
}

/** What a watcher needs of its hub. */
export interface WatcherHub {
  readonly revision: number;
  resume(watcher: HubWatcher): void;
  cancel(watcher: HubWatcher): void;
}

/**
 * A watcher as the hub keeps it: a cursor and its place, no queue. Exactly one of these is true: it is a member of a
 * cohort, it waits in a heap, it is parked, it waits to hear that it started too low, it is closed.
 */
export class HubWatcher implements Watcher {
  readonly range: WatchRange;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly startRevision: number;
  readonly sink: WatchSink;
  /** Next revision to hand over; stale while the watcher is in a cohort, whose position counts then. */
  cursor: number;
  cohort: Cohort | undefined = undefined;
  group: WatcherGroup | undefined = undefined;
  /** The sink is full. The watcher keeps its place until it misses an event. */
  paused = false;
  /** It missed events: it stands nowhere until it resumes. Implies `paused`. */
  parked = false;
  closed = false;
  heapIndex = -1;
  readonly #hub: WatcherHub;

  constructor(
    hub: WatcherHub,
    range: WatchRange,
    request: WatchRequest,
    sink: WatchSink,
    cursor: number,
  ) {
    this.#hub = hub;
    this.range = range;
    this.prevKv = request.prevKv;
    this.noPut = request.noPut;
    this.noDelete = request.noDelete;
    this.startRevision = request.startRevision;
    this.sink = sink;
    this.cursor = cursor;
  }

  get nextRevision(): number {
    return this.cohort === undefined ? this.cursor : this.cohort.position;
  }

  get synced(): boolean {
    return this.syncedAt(this.#hub.revision);
  }

  syncedAt(revision: number): boolean {
    return this.startRevision <= revision && this.nextRevision > revision && !this.closed;
  }

  resume(): void {
    if (this.paused) this.#hub.resume(this);
  }

  cancel(): void {
    if (!this.closed) this.#hub.cancel(this);
  }
}
