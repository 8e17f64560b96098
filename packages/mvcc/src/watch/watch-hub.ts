import { invariant } from '../invariant.ts';
import type { StoreEvent } from '../store-event.ts';
import { Cohort, type Delivery } from './cohort.ts';
import { EventRing } from './event-ring.ts';
import type { EventSource } from './event-source.ts';
import { Sweep } from './sweep.ts';
import { TimeSlice } from './time-slice.ts';
import { DEFAULT_WATCH_LIMITS, type WatchLimits } from './watch-limits.ts';
import { WatchPage } from './watch-page.ts';
import { watchRange } from './watch-range.ts';
import {
  HubWatcher,
  type Watcher,
  type WatcherHub,
  type WatchRequest,
  type WatchSink,
} from './watcher.ts';

/** Where a hub takes events from, and how much of them it keeps. */
export interface WatchHubOptions {
  readonly source: EventSource;
  /** Runs a function on a later turn of the event loop, never at once. */
  readonly turn: (run: () => void) => void;
  /** Monotonic, in milliseconds. Decides only where work is cut into slices, never what is handed over. */
  readonly now: () => number;
  /** Memory for recent events, in bytes; watchers behind them read from disk. Default 64 MiB. */
  readonly ringBytes?: number;
  /** Longest stretch of work within one commit or one turn, give or take one page. Default 2 ms. */
  readonly maxSliceMs?: number;
  /** Default: `DEFAULT_WATCH_LIMITS`. */
  readonly limits?: Partial<WatchLimits>;
}

/** Counters and gauges of a hub, as of now. */
export interface WatchMetrics {
  readonly watchers: number;
  /** Watchers that are behind: they catch up, or their receiver is full and missed something. */
  readonly slowWatchers: number;
  /** Events handed to sinks since the start, once for each watcher. */
  readonly eventsTotal: number;
  /** Recent events that watchers without lag are still to see. */
  readonly pendingEvents: number;
}

const DEFAULT_RING_BYTES = 64 * 1024 * 1024;
const DEFAULT_SLICE_MS = 2;
/**
 * Hands the events of a store to its watchers: in order, each once, all events of a revision together, none left out
 * unless the watcher is told that they are compacted.
 *
 *      disk (source.readEvents)                 ring of recent events
 *      |------------------------------------|---------------------------|  revision
 *            ^ storage sweep                      ^ ring sweep          ^ front
 *
 * A watcher is a cursor, not a queue. Those that have seen everything stand at the front and are served within the
 * commit. Those that lag are swept forward on later turns, from disk up to the ring and from there to the front, all of
 * them with one read. A full receiver is left where it is until it resumes. Work is cut into slices, so however many
 * watchers there are, a commit is held up by at most one slice.
 */
export class WatchHub implements WatcherHub {
  readonly #turn: (run: () => void) => void;
  readonly #now: () => number;
  readonly #ringBytes: number;
  readonly #maxSliceMs: number;
  readonly #limits: WatchLimits;
  readonly #delivery: Delivery = { handedOver: 0 };
  readonly #watchers = new Set<HubWatcher>();
  /** Watchers whose start was compacted before they asked; they hear of it on a later turn. */
  #startedTooLow: HubWatcher[] = [];
  #source: EventSource;
  #ring: EventRing;
  #revision: number;
  #front: Cohort;
  #ringSweep = new Sweep();
  #storageSweep = new Sweep();
  /** Rotates over the three cohorts, so that none keeps the others from their turn. */
  #lane = 0;
  #slicing = false;
  #scheduled = false;
  readonly #placeAgain = (watcher: HubWatcher): void => this.#place(watcher);

  constructor(options: WatchHubOptions) {
    this.#turn = options.turn;
    this.#now = options.now;
    this.#ringBytes = options.ringBytes ?? DEFAULT_RING_BYTES;
    this.#maxSliceMs = options.maxSliceMs ?? DEFAULT_SLICE_MS;
    this.#limits = { ...DEFAULT_WATCH_LIMITS, ...options.limits };
    this.#source = options.source;
    this.#revision = options.source.revision;
    this.#ring = new EventRing(this.#ringBytes, this.#revision);
    this.#front = new Cohort(this.#revision + 1);
    this.#listen(options.source);
  }

  /** Newest revision that the hub has heard of. */
  get revision(): number {
    return this.#revision;
  }

  /** For those who watch over a member. */
  get metrics(): WatchMetrics {
    const { members, ahead, position } = this.#front;
    return {
      watchers: this.#watchers.size,
      slowWatchers: this.#watchers.size - members.size - ahead.size,
      eventsTotal: this.#delivery.handedOver,
      pendingEvents: members.size === 0 ? 0 : this.#ring.countFrom(position),
    };
  }

  /**
   * Adds a watcher. A range without keys is a bug of the caller: see `watchRange`. A start that is negative or
   * compacted gives a watcher that hears `onCompacted`, on a later turn.
   */
  watch(request: WatchRequest, sink: WatchSink): Watcher {
    const range = watchRange(request.key, request.rangeEnd);
    invariant(range !== undefined, 'a watch holds at least one key');
    const { startRevision } = request;
    const cursor = startRevision === 0 ? this.#revision + 1 : startRevision;
    const watcher = new HubWatcher(this, range, request, sink, cursor);
    this.#watchers.add(watcher);
    if (cursor < Math.max(this.#source.compactRevision, 1)) this.#startedTooLow.push(watcher);
    else this.#place(watcher);
    this.#schedule();
    return watcher;
  }

  /**
   * Whether each of these watchers was handed every event up to `revision`. A progress notification for that revision
   * may then be sent behind what was handed over. Watchers that start above it have seen nothing yet: false.
   */
  syncedAt(watchers: Iterable<Watcher>, revision: number): boolean {
    for (const watcher of watchers) {
      if (!watcher.syncedAt(revision)) return false;
    }
    return true;
  }

  /**
   * Continues on another store, after a member took over a snapshot. Every watcher goes on where it stands, and reads
   * what it has not seen from the new store, or hears that it is compacted there. The old store is let go.
   */
  replaceSource(source: EventSource): void {
    invariant(!this.#slicing, 'the store is not replaced while events are handed over');
    const unlimited = TimeSlice.unlimited();
    this.#slicing = true;
    for (const cohort of this.#cohorts()) this.#deliver(cohort, unlimited);
    this.#slicing = false;
    for (const cohort of this.#cohorts()) {
      for (const watcher of [...cohort.members]) cohort.leave(watcher);
      cohort.clearWaiting();
    }
    this.#source = source;
    this.#revision = source.revision;
    this.#ring = new EventRing(this.#ringBytes, this.#revision);
    this.#front = new Cohort(this.#revision + 1);
    this.#ringSweep = new Sweep();
    this.#storageSweep = new Sweep();
    const doomed = new Set(this.#startedTooLow);
    for (const watcher of this.#watchers) {
      if (!watcher.parked && !doomed.has(watcher)) this.#place(watcher);
    }
    this.#listen(source);
    this.#schedule();
  }

  /** Cancels every watcher. */
  close(): void {
    for (const watcher of this.#watchers) this.cancel(watcher);
  }

  /** For watchers: takes up again. */
  resume(watcher: HubWatcher): void {
    watcher.paused = false;
    if (!watcher.parked || watcher.closed) return;
    watcher.parked = false;
    this.#place(watcher);
    this.#schedule();
  }

  /** For watchers: removes one. */
  cancel(watcher: HubWatcher): void {
    watcher.closed = true;
    this.#watchers.delete(watcher);
    if (watcher.cohort !== undefined) watcher.cohort.leave(watcher);
    else for (const cohort of this.#cohorts()) cohort.leave(watcher);
  }

  #cohorts(): readonly [Cohort, Sweep, Sweep] {
    return [this.#front, this.#ringSweep, this.#storageSweep];
  }

  #listen(source: EventSource): void {
    source.onCommit((events, revision) => {
      if (source === this.#source) this.#onCommit(events, revision);
    });
  }

  #onCommit(events: readonly StoreEvent[], revision: number): void {
    const first = events[0];
    if (first === undefined) return;
    invariant(first.main > this.#revision, 'commits come in order');
    const frontIsReady = this.#front.position > this.#revision && !this.#slicing;
    this.#ring.append(events, revision);
    this.#revision = revision;
    // A front that is behind already goes on in turns of its own, or each commit would pay for it again.
    if (frontIsReady) this.#slice(true);
    this.#schedule();
  }

  /** Puts a watcher that has no place where its cursor belongs. */
  #place(watcher: HubWatcher): void {
    const isNowhere = watcher.cohort === undefined && watcher.heapIndex === -1;
    invariant(isNowhere, 'a watcher has one place');
    const front = this.#front;
    if (watcher.cursor === front.position && !front.delivering) front.join(watcher);
    else if (watcher.cursor >= front.position) front.ahead.set(watcher, watcher.cursor);
    else if (watcher.cursor >= this.#ring.firstRevision) this.#ringSweep.enter(watcher);
    else this.#storageSweep.enter(watcher);
  }

  #hasWork(): boolean {
    return (
      this.#front.position <= this.#revision ||
      !this.#ringSweep.idle ||
      !this.#storageSweep.idle ||
      this.#startedTooLow.length > 0
    );
  }

  #schedule(): void {
    if (this.#scheduled || this.#slicing || !this.#hasWork()) return;
    this.#scheduled = true;
    this.#turn(() => {
      this.#scheduled = false;
      if (!this.#slicing) this.#slice(false);
      this.#schedule();
    });
  }

  /** Works until the time is over or nothing is left to do; at least one step. */
  #slice(frontOnly: boolean): void {
    const slice = new TimeSlice(this.#now, this.#maxSliceMs, this.#limits.callsPerLook);
    this.#slicing = true;
    if (!frontOnly) this.#tellStartedTooLow();
    let idleLanes = 0;
    do {
      if (!frontOnly) this.#lane = (this.#lane + 1) % 3;
      const busy = this.#step(frontOnly ? 0 : this.#lane, slice);
      idleLanes = busy ? 0 : idleLanes + (frontOnly ? 3 : 1);
    } while (idleLanes < 3 && !slice.look());
    this.#slicing = false;
  }

  /** One page, or a few moves, of one of the three cohorts; returns whether there was anything to do. */
  #step(lane: number, slice: TimeSlice): boolean {
    if (lane === 0) return this.#stepFront(slice);
    if (lane === 1) return this.#stepSweep(this.#ringSweep, this.#front.position, slice);
    return this.#stepSweep(this.#storageSweep, this.#ring.firstRevision, slice);
  }

  #stepFront(slice: TimeSlice): boolean {
    const front = this.#front;
    if (front.position > this.#revision) return false;
    if (!front.delivering) {
      const until = Math.min(this.#revision + 1, front.ahead.minKey);
      if (front.members.size === 0) front.position = until;
      front.admit(this.#limits.movesPerStep);
      if (front.position > this.#revision || front.ahead.minKey === front.position) return true;
      this.#read(front, Math.min(this.#revision + 1, front.ahead.minKey));
    }
    this.#deliver(front, slice);
    return true;
  }

  #stepSweep(sweep: Sweep, goal: number, slice: TimeSlice): boolean {
    if (sweep.idle) return false;
    if (!sweep.delivering) {
      const step = sweep.plan(goal, this.#limits.movesPerStep);
      if (step.kind === 'letOff') sweep.letOff(this.#limits.movesPerStep, this.#placeAgain);
      if (step.kind !== 'read') return true;
      this.#read(sweep, step.until);
    }
    this.#deliver(sweep, slice);
    return true;
  }

  /** Puts the next page of a cohort on its way, from the ring or else from disk. */
  #read(cohort: Cohort, until: number): void {
    const { pageEvents, pageBytes } = this.#limits;
    const from = cohort.position;
    const events: StoreEvent[] = [];
    let next: number;
    if (from >= this.#ring.firstRevision) {
      next = this.#ring.read(from, until, pageEvents, pageBytes, events);
    } else {
      if (from < this.#source.compactRevision) {
        this.#tellCompacted(cohort);
        return;
      }
      // Each revision has an event, so this limit reads nothing from `until` on in vain.
      const limit = Math.min(pageEvents, until - from);
      const read = this.#source.readEvents(from, limit, pageBytes);
      for (const event of read.events) if (event.main < until) events.push(event);
      next = Math.min(read.next, until);
    }
    invariant(next > from, 'a read of events covers at least one revision');
    const count = cohort.match(events, this.#limits.pagePairs);
    const cut = events[count];
    if (cut !== undefined) {
      next = cut.main;
      events.length = count;
    }
    cohort.begin(new WatchPage(this.#source, events, next));
  }

  /** Hands over what is on its way in a cohort. Whoever came in meanwhile and is behind now is placed again. */
  #deliver(cohort: Cohort, slice: TimeSlice): void {
    if (!cohort.deliver(slice, this.#delivery)) return;
    while (cohort.ahead.minKey < cohort.position) {
      const watcher = cohort.ahead.pop();
      if (watcher !== undefined) this.#place(watcher);
    }
  }

  #tellCompacted(cohort: Cohort): void {
    for (const watcher of [...cohort.members]) this.#endCompacted(watcher);
  }

  #tellStartedTooLow(): void {
    const watchers = this.#startedTooLow;
    this.#startedTooLow = [];
    for (const watcher of watchers) this.#endCompacted(watcher);
  }

  #endCompacted(watcher: HubWatcher): void {
    if (watcher.closed) return;
    this.cancel(watcher);
    watcher.sink.onCompacted(watcher, this.#source.compactRevision);
  }
}
