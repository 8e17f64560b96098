import type { Keys, Watch, WatchBatch, WatchOptions } from '@kvorum/client';
import type { KeySpan } from '../namespace.ts';
import type { NewestHeader } from '../newest-header.ts';
import type { ProxyMetrics } from '../proxy-metrics.ts';
import { EventBatch } from './event-batch.ts';

/** A watcher of a client, as a broadcast sees it. */
export interface Subscriber {
  /** The first revision that it has not been sent. 0: from when the members hear of it, which a broadcast settles. */
  nextRevision: number;
  /** Where it gets its events; undefined while it gets none. Kept by broadcasts. */
  broadcast: Broadcast | undefined;
  /** The members watch for it: from `nextRevision` on it's told everything. Called each time it's subscribed. */
  onOpened(): void;
  /** It has not been sent all that this has. */
  onEvents(batch: EventBatch): void;
  /** All up to a revision has been sent. */
  onProgress(revision: number): void;
  /** Nothing comes any more, and it's subscribed to nothing. */
  onEnded(error: unknown): void;
}

/** Begins to watch at the members. */
export type WatchMembers = (
  keys: Keys,
  options: WatchOptions,
) => Pick<Watch, 'opened' | 'batches' | 'close'>;

/** What all broadcasts of a range have in common. */
export interface BroadcastParts {
  readonly watch: WatchMembers;
  /** As the members have it. */
  readonly span: KeySpan;
  readonly header: NewestHeader;
  readonly metrics: ProxyMetrics;
  readonly strip: (key: Uint8Array) => Uint8Array;
  /** A key has changed. */
  readonly onChange: (key: Uint8Array) => void;
}

/** What a broadcast tells the group that it belongs to. */
export interface BroadcastHome {
  /** It has come further. */
  onAdvanced(broadcast: Broadcast): void;
  /** Nobody needs it, or nothing comes any more. */
  onClosed(broadcast: Broadcast): void;
}

/**
 * One watch at the members for all watchers of a range that are about as far. Each of them says from where on it wants
 * events, so it does not matter that some are ahead of the broadcast: none is behind it.
 */
export class Broadcast {
  /** The first revision that it has not delivered; 0 until the members have answered. */
  nextRevision = 0;
  /** As the members were asked; 0: from now on. */
  readonly startRevision: number;
  readonly #parts: BroadcastParts;
  readonly #home: BroadcastHome;
  readonly #subscribers = new Set<Subscriber>();
  readonly #watch: ReturnType<WatchMembers>;
  #isClosed = false;

  constructor(startRevision: number, parts: BroadcastParts, home: BroadcastHome) {
    this.startRevision = startRevision;
    this.#parts = parts;
    this.#home = home;
    const options = { previous: true, progress: true };
    this.#watch = parts.watch(
      keysOf(parts.span),
      startRevision === 0 ? options : { ...options, startRevision: BigInt(startRevision) },
    );
    void this.#run();
  }

  get isOpen(): boolean {
    return this.nextRevision > 0;
  }

  /** `subscriber.nextRevision` is at least that of the broadcast, or 0, or the broadcast is not open yet. */
  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    subscriber.broadcast = this;
    if (this.#subscribers.size > 1) this.#parts.metrics.watchersCoalescing += 1;
    if (this.isOpen) this.#admit(subscriber);
  }

  delete(subscriber: Subscriber): void {
    this.#take(subscriber);
    if (this.#subscribers.size === 0) this.#close();
  }

  /** Goes on by another broadcast, which is no further than this one. */
  mergeInto(other: Broadcast): void {
    for (const subscriber of [...this.#subscribers]) {
      this.#take(subscriber);
      other.#takeOver(subscriber);
    }
    this.#close();
  }

  #takeOver(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    subscriber.broadcast = this;
    if (this.#subscribers.size > 1) this.#parts.metrics.watchersCoalescing += 1;
  }

  #take(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber)) return;
    subscriber.broadcast = undefined;
    if (this.#subscribers.size > 0) this.#parts.metrics.watchersCoalescing -= 1;
  }

  #admit(subscriber: Subscriber): void {
    const newest = this.#parts.header.revision;
    // What has been seen of the cluster by now was before it came.
    if (subscriber.nextRevision === 0) {
      subscriber.nextRevision = Math.max(this.nextRevision, newest + 1);
    }
    subscriber.onOpened();
  }

  async #run(): Promise<void> {
    try {
      const first = Number(await this.#watch.opened);
      if (this.#isClosed) return;
      this.nextRevision = first;
      if (this.startRevision === 0) this.#parts.header.noteRevision(first - 1);
      for (const subscriber of [...this.#subscribers]) this.#admit(subscriber);
      this.#home.onAdvanced(this);
      for await (const batch of this.#watch.batches()) this.#deliver(batch);
    } catch (error) {
      this.#fail(error);
    }
  }

  #deliver({ revision: last, events }: WatchBatch): void {
    if (this.#isClosed) return;
    const { header, metrics, strip, onChange } = this.#parts;
    const revision = Number(last);
    this.nextRevision = Math.max(this.nextRevision, revision + 1);
    header.noteRevision(revision);
    if (events.length === 0) {
      for (const subscriber of [...this.#subscribers]) subscriber.onProgress(revision);
    } else {
      // First, so that who hears of an event reads no older answer than it.
      for (const { entry } of events) onChange(strip(entry.key));
      const batch = new EventBatch(revision, events, strip);
      metrics.eventsCoalescing += this.#subscribers.size - 1;
      for (const subscriber of [...this.#subscribers]) {
        // One whose client does not keep up leaves, and takes others of its stream along.
        const isOurs = subscriber.broadcast === this;
        if (isOurs && subscriber.nextRevision <= revision) subscriber.onEvents(batch);
      }
    }
    if (!this.#isClosed) this.#home.onAdvanced(this);
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const subscribers = [...this.#subscribers];
    for (const subscriber of subscribers) this.#take(subscriber);
    this.#close();
    for (const subscriber of subscribers) subscriber.onEnded(error);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.close();
    this.#home.onClosed(this);
  }
}

function keysOf({ key, rangeEnd }: KeySpan): Keys {
  if (rangeEnd.length === 0) return key;
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { fromKey: key };
  return { start: key, end: rangeEnd };
}
