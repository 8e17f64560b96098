import { ApplyBatch, type CommittedBatch } from './apply-batch.ts';
import { Compactor } from './compactor.ts';
import type { Engine } from './engine.ts';
import { MvccError } from './errors.ts';
import { previousOf, readEvents } from './event-reader.ts';
import { hashAll, hashRevisions } from './hash.ts';
import { invariant } from './invariant.ts';
import type { KeyMeta } from './key-meta.ts';
import { DEFAULT_INLINE_VALUE_BYTES } from './keys-row.ts';
import { attachedKeys } from './lease-key.ts';
import {
  decodeMetaRevision,
  META_CURRENT_REVISION,
  META_FINISHED_COMPACT,
  META_SCHEDULED_COMPACT,
  metaKeyOf,
} from './meta-rows.ts';
import type { Overlay } from './overlay.ts';
import type { BlockLimits } from './packed-source.ts';
import type { PackedRangeResult, RangeQuery, RangeResult } from './range-query.ts';
import { RangeReader, type RangeView, readRevision } from './range-reader.ts';
import { readUint64 } from './revision-row.ts';
import { readSingle } from './single-read.ts';
import { runInSlices, SLICE_MS } from './slices.ts';
import type { EventPage, StoreEvent } from './store-event.ts';
import { StoreState } from './store-state.ts';

/** In use, the garbage collector lets it grow to about twice its budget. */
const DEFAULT_CACHE_BYTES = 32 * 1024 * 1024;
/** As many revisions as etcd compacts before it pauses. */
const DEFAULT_COMPACTION_BATCH_LIMIT = 1000;
/** Smaller ones would cost more to look up, larger ones more to read again after a write. */
const DEFAULT_RANGE_BLOCKS: BlockLimits = { keys: 256, minRangeKeys: 64 };
/** Rows that a range reads before it looks at the clock. */
const ROWS_PER_STEP = 256;

/** What `Store.open` needs. */
export interface StoreOptions {
  /** The store becomes its owner and closes it. */
  readonly engine: Engine;
  /** Bytes of the cache of latest versions, and as many again of ranges that were read; default 32 MiB. */
  readonly cacheBytes?: number;
  /** Largest value, about, kept beside its key in `keys` and in the cache; default 1,024 bytes. */
  readonly inlineValueBytes?: number;
  /** How ranges are cut for the cache; default: 256 keys a block, of ranges from 64 keys on. */
  readonly rangeBlocks?: BlockLimits;
  readonly compaction?: CompactionOptions;
  /** Runs `fn` on a later turn of the loop: background work yields through it. */
  readonly turn: (fn: () => void) => void;
  /** Milliseconds of a monotonic clock, read only to end slices in time. */
  readonly now: () => number;
}

/** The pace of physical compaction. */
export interface CompactionOptions {
  /** Revisions looked at in one go; default 1,000. */
  readonly batchLimit?: number;
  /** Runs the next batch; default: `StoreOptions.turn`. A slower one leaves more room for others. */
  readonly turn?: (fn: () => void) => void;
}

/** A hash over what the store holds at a revision, the same on all members that hold the same. */
export interface HashKvResult {
  /** CRC-32C, a uint32. */
  readonly hash: number;
  /** Compact revision that the hash takes into account; -1 for none. */
  readonly compactRevision: number;
  /** Revision up to which was hashed. */
  readonly hashRevision: number;
}

/** Called after a commit that changed keys, with all its events and the newest revision. */
export type CommitListener = (events: readonly StoreEvent[], revision: number) => void;

/**
 * A multi-version key-value store with etcd's semantics. Reads see the last commit; all writes go through
 * one `ApplyBatch` at a time. It keeps nothing in memory that grows with the number of keys, and opening
 * it reads a handful of rows.
 */
export class Store implements RangeView {
  /** @internal */
  readonly state: StoreState;
  readonly #compactor: Compactor;
  readonly #listeners: CommitListener[] = [];
  #batch: ApplyBatch | undefined;

  private constructor(state: StoreState, compactor: Compactor) {
    this.state = state;
    this.#compactor = compactor;
  }

  /**
   * Opens the store in an engine, empty or not. Compaction that was promised but not finished goes on in
   * the background. Throws `MvccError` "corrupt" when the rows contradict each other.
   */
  static open(options: StoreOptions): Store {
    const { engine, turn, now, compaction } = options;
    const state = new StoreState(
      engine,
      options.cacheBytes ?? DEFAULT_CACHE_BYTES,
      options.inlineValueBytes ?? DEFAULT_INLINE_VALUE_BYTES,
      options.rangeBlocks ?? DEFAULT_RANGE_BLOCKS,
      turn,
      now,
    );
    const revisionRow = (name: string, missing: number): number =>
      decodeMetaRevision(engine.get('meta', metaKeyOf(name)), missing);
    state.revision = revisionRow(META_CURRENT_REVISION, 1);
    state.compactRevision = revisionRow(META_SCHEDULED_COMPACT, -1);
    const finished = revisionRow(META_FINISHED_COMPACT, -1);
    checkConsistency(state, finished);
    const batchLimit = compaction?.batchLimit ?? DEFAULT_COMPACTION_BATCH_LIMIT;
    const compactor = new Compactor(state, finished, batchLimit, compaction?.turn ?? turn);
    compactor.wake();
    return new Store(state, compactor);
  }

  /** The engine under the store, for what the store does not do itself, such as size and sync. */
  get engine(): Engine {
    return this.state.engine;
  }

  /** Newest committed revision; an empty store is at 1. */
  get revision(): number {
    return this.state.revision;
  }

  /** Oldest readable revision; -1 before the first compaction. */
  get compactRevision(): number {
    return this.state.compactRevision;
  }

  /** Revision up to which compaction has removed its rows; -1 before the first. */
  get finishedCompactRevision(): number {
    return this.#compactor.finishedRevision;
  }

  /**
   * Answers a range query at once, however long it takes; `rangeSoon` is kinder for more than one key.
   * Throws `MvccError` "compacted" or "futureRevision".
   */
  range(query: RangeQuery): RangeResult {
    if (isSingle(query)) return readSingle(this, query);
    const reader = new RangeReader(this, query);
    while (!reader.step(Number.MAX_SAFE_INTEGER));
    return reader.result();
  }

  /**
   * Answers at once what takes no longer than one slice (a few milliseconds), and anything else later, in
   * slices: at the revision of now, whatever is committed or compacted meanwhile. Throws like `range`.
   */
  rangeSoon(query: RangeQuery): RangeResult | Promise<RangeResult> {
    if (isSingle(query)) return readSingle(this, query);
    const reader = new RangeReader(this, query);
    return this.#readSoon(reader, () => reader.result());
  }

  /**
   * As `rangeSoon`, for those who pass the answer's bytes on: the latest versions of a range, in key order, come
   * packed, from blocks that stay in memory until one of their keys changes. All else comes as from `rangeSoon`.
   */
  packedRangeSoon(
    query: RangeQuery,
  ): RangeResult | PackedRangeResult | Promise<RangeResult | PackedRangeResult> {
    if (isSingle(query)) return readSingle(this, query);
    const reader = new RangeReader(this, query, true);
    return this.#readSoon(reader, () => reader.packedResult());
  }

  /** As `rangeSoon`, always as a promise. */
  async rangeAsync(query: RangeQuery): Promise<RangeResult> {
    return this.rangeSoon(query);
  }

  /** The latest version of a key, given as latin1 text. */
  get(keyText: string): KeyMeta | undefined {
    return this.state.latest(keyText) ?? undefined;
  }

  /**
   * The whole KeyValue of a version that `get` returned. Throws `MvccError` "compacted" when that version
   * was superseded since, and compacted.
   */
  wireOf(meta: KeyMeta): Uint8Array {
    return this.state.wireOf(meta);
  }

  /** A named row that the user of the store keeps in its batches. */
  getMeta(name: string): Uint8Array | undefined {
    return this.state.engine.get('meta', metaKeyOf(name));
  }

  /** Latin1 texts of the keys attached to a lease, in byte order. */
  leaseKeys(lease: bigint): string[] {
    return attachedKeys(this.state.engine, lease);
  }

  /** Starts a batch; the one before must have been committed or abandoned. */
  batch(): ApplyBatch {
    invariant(this.#batch === undefined, 'one batch at a time');
    this.#batch = new ApplyBatch(this.state, (committed) => this.#batchDone(committed));
    return this.#batch;
  }

  /** Adds a listener; it is called in each commit that changes keys, after the change is visible. */
  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Events of revision `from` and later, whole revisions only: at least one revision if there is any, and
   * no further one once there are `limitEvents` or `limitBytes` of KeyValues. Throws `MvccError`
   * "compacted" when `from` lies below the compacted revision.
   */
  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage {
    if (from < this.compactRevision) {
      throw new MvccError('compacted', `revision ${from} has been compacted`);
    }
    return readEvents(this.state, from, limitEvents, limitBytes);
  }

  /** The KeyValue that an event replaced; undefined when it created the key or that is compacted. */
  previousOf(
    event: Pick<StoreEvent, 'main' | 'prev' | 'prevMain' | 'prevSub'>,
  ): Uint8Array | undefined {
    return previousOf(this.state, event);
  }

  /**
   * etcd's HashKV at a revision (0: the newest). Waits for compaction to finish, then reads in slices.
   * Rejects with `MvccError` "compacted", "futureRevision" or, when compaction fails, "engine".
   */
  async hashKv(revision: number): Promise<HashKvResult> {
    for (;;) {
      // Only 0 stands for the newest revision here: below the first there is nothing, which has a hash too.
      const hashRevision = revision < 0 ? revision : readRevision(this, revision);
      const { compactRevision } = this;
      if (this.#compactor.finishedRevision === compactRevision) {
        const hash = await hashRevisions(this.state, hashRevision, compactRevision);
        return { hash, compactRevision, hashRevision };
      }
      await this.#compactor.whenDone();
    }
  }

  /**
   * CRC-32C over all that the store holds at this moment, and over those of the user's named rows that
   * `ofMeta` picks. Waits for compaction to finish, then reads in slices.
   */
  async hash(ofMeta: (name: string) => boolean = () => false): Promise<number> {
    await this.#compactor.whenDone();
    return hashAll(this.state, ofMeta);
  }

  /** Resolves when the rows of all compactions so far are gone. */
  whenCompacted(): Promise<void> {
    return this.#compactor.whenDone();
  }

  /** Stops background work and closes the engine. An open batch is lost. */
  async close(): Promise<void> {
    this.#compactor.stop(new MvccError('engine', 'the store was closed'));
    await this.state.engine.close();
  }

  /** @internal */
  overlayAt(): Overlay | undefined {
    return undefined;
  }

  #readSoon<T>(reader: RangeReader, result: () => T): T | Promise<T> {
    const { now } = this.state;
    const start = now();
    do {
      if (reader.step(ROWS_PER_STEP)) return result();
    } while (now() - start < SLICE_MS);
    reader.pin();
    return this.#readLater(reader, result);
  }

  async #readLater<T>(reader: RangeReader, result: () => T): Promise<T> {
    const { turn, now } = this.state;
    try {
      await new Promise<void>((resolve) => turn(resolve));
      await runInSlices(turn, now, () => reader.step(ROWS_PER_STEP));
      return result();
    } finally {
      reader.close();
    }
  }

  #batchDone(committed: CommittedBatch | undefined): void {
    this.#batch = undefined;
    if (committed === undefined) return;
    const { revision, events, compactRevision } = committed;
    this.state.revision = revision;
    if (compactRevision !== undefined) {
      this.state.compactRevision = compactRevision;
      this.#compactor.wake();
    }
    if (events.length === 0) return;
    for (const listener of this.#listeners) listener(events, revision);
  }
}

function isSingle(query: RangeQuery): boolean {
  return query.rangeEnd === undefined || query.rangeEnd.length === 0;
}

/** Cheap facts that hold in every store; a database that breaks one was damaged or is not ours. */
function checkConsistency(state: StoreState, finished: number): void {
  const { engine, revision, compactRevision } = state;
  if (finished > compactRevision || compactRevision > revision) {
    const text = `compacted ${finished} of ${compactRevision} in a store at ${revision}`;
    throw new MvccError('corrupt', text);
  }
  const scan = engine.scan('revs', { reverse: true, limit: 1, keysOnly: true });
  const newest = scan.next(1)[0];
  scan.close();
  const newestRevision = newest === undefined ? 1 : readUint64(newest, 0);
  // Of a store that others wrote, compaction can have removed the newest rows too.
  const isCompacted = newestRevision < revision && revision === compactRevision;
  if (newestRevision !== revision && !isCompacted) {
    const text = `the newest row is of revision ${newestRevision} in a store at ${revision}`;
    throw new MvccError('corrupt', text);
  }
}
