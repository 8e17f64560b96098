import { RaftError } from './errors.ts';
import { invariant } from './invariant.ts';
import type { InitialState, Storage } from './storage.ts';
import {
  type ConfState,
  type Entry,
  emptyConfState,
  type HardState,
  noBytes,
  noMember,
  type Snapshot,
  sliceWithin,
} from './types.ts';

/**
 * A `Storage` in memory: for tests, and as the cache of recent entries over a durable log, whose owner writes there
 * first and then here. Entries, snapshots and states are kept by reference.
 */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, vote: noMember, commit: 0 };
  #snapshot: Snapshot = {
    metadata: { confState: emptyConfState, index: 0, term: 0 },
    data: noBytes,
  };
  #confState: ConfState;
  /** Index and term of the position before `#entries[0]`; at least the snapshot's unless entries follow it. */
  #baseIndex = 0;
  #baseTerm = 0;
  #entries: Entry[] = [];

  /** An empty log, with `confState` as the membership to start from. */
  constructor(confState: ConfState = emptyConfState) {
    this.#snapshot.metadata.confState = confState;
    this.#confState = confState;
  }

  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#confState };
  }

  entries(lo: number, hi: number, maxBytes: number): Entry[] {
    if (lo <= this.#baseIndex) throw compacted(lo);
    if (hi > this.lastIndex() + 1) throw unavailable(hi - 1);
    const base = this.#baseIndex + 1;
    return sliceWithin(this.#entries, lo - base, hi - base, maxBytes);
  }

  term(index: number): number {
    if (index < this.#baseIndex) throw compacted(index);
    if (index === this.#baseIndex) return this.#baseTerm;
    const entry = this.#entries[index - this.#baseIndex - 1];
    if (entry === undefined) throw unavailable(index);
    return entry.term;
  }

  firstIndex(): number {
    return this.#baseIndex + 1;
  }

  lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Replaces the state that a restart begins from. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /**
   * Replaces the membership that a restart begins from: for those who restart with a `Config.applied` beyond the
   * snapshot. Every newer snapshot replaces it too.
   */
  setConfState(confState: ConfState): void {
    this.#confState = confState;
  }

  /**
   * Appends entries without gaps, replacing whatever was stored from the first one's index on. Entries at or below
   * the compacted position are skipped.
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    invariant(first.index <= this.lastIndex() + 1, 'appending leaves a gap');
    const skip = Math.max(0, this.#baseIndex + 1 - first.index);
    if (skip >= entries.length) return;
    this.#entries.length = first.index + skip - this.#baseIndex - 1;
    for (let i = skip; i < entries.length; i++) this.#entries.push(entries[i] as Entry);
  }

  /**
   * Replaces the whole log by a snapshot received from the leader.
   * Throws `RaftError` "snapshotOutOfDate" if the storage has this one or a newer one.
   */
  applySnapshot(snapshot: Snapshot): void {
    if (snapshot.metadata.index <= this.#snapshot.metadata.index) {
      throw new RaftError('snapshotOutOfDate', 'the stored snapshot is at least as new');
    }
    this.#snapshot = snapshot;
    this.#confState = snapshot.metadata.confState;
    this.#baseIndex = snapshot.metadata.index;
    this.#baseTerm = snapshot.metadata.term;
    this.#entries = [];
  }

  /**
   * Makes the application's state at `index` the snapshot for lagging followers; the log stays as it is until
   * `compact`. `confState` is the membership at `index`: what `applyConfChange` returned last.
   * Throws `RaftError` "snapshotOutOfDate", or "unavailable" if the log does not reach `index`.
   */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    if (index <= this.#snapshot.metadata.index) {
      throw new RaftError('snapshotOutOfDate', 'the stored snapshot is at least as new');
    }
    this.#snapshot = { metadata: { confState, index, term: this.term(index) }, data };
    this.#confState = confState;
    return this.#snapshot;
  }

  /**
   * Drops the entries up to and including `index`. Never beyond what is applied, nor beyond the newest snapshot: a
   * follower that needs the rest must be able to get it. Throws `RaftError` "compacted" if that was done before,
   * "unavailable" beyond the snapshot.
   */
  compact(index: number): void {
    if (index <= this.#baseIndex) throw compacted(index);
    if (index > this.#snapshot.metadata.index) throw unavailable(index);
    this.#baseTerm = this.term(index);
    this.#entries = this.#entries.slice(index - this.#baseIndex);
    this.#baseIndex = index;
  }
}

function compacted(index: number): RaftError {
  return new RaftError('compacted', `index ${index} has been compacted`);
}

function unavailable(index: number): RaftError {
  return new RaftError('unavailable', `index ${index} is not in the log`);
}
