import type { ConfState, Entry, HardState, Snapshot } from './types.ts';

/** What a node knows when it starts. */
export interface InitialState {
  hardState: HardState;
  /** The membership as of the newest snapshot, plus what was applied since. */
  confState: ConfState;
}

/**
 * The durable log as raft reads it: a snapshot for everything up to `firstIndex() - 1`, entries from there to
 * `lastIndex()`. Raft only reads; the owner of the `RawNode` writes what `Ready` hands out, before `advance()`.
 *
 * Calls are synchronous and on the hot path: keep recent entries in memory, as `MemoryStorage` does. Entries are
 * returned by reference and belong to the storage; the array that holds them belongs to the caller.
 */
export interface Storage {
  /** Called once, by the constructor of `RawNode`. */
  initialState(): InitialState;

  /**
   * The entries [lo, hi), cut off before their sizes add up to more than `maxBytes`, but at least one.
   * Throws `RaftError` "compacted" if `lo < firstIndex()`, "unavailable" if `hi > lastIndex() + 1`.
   */
  entries(lo: number, hi: number, maxBytes: number): Entry[];

  /**
   * The term of the entry at `index`, for [firstIndex() - 1, lastIndex()]: the position before the first entry is
   * kept for the matching check (Raft dissertation §5.1). Throws "compacted" or "unavailable" outside of that.
   */
  term(index: number): number;

  /** The index of the first entry still there; one more than the snapshot's. 1 when nothing was ever compacted. */
  firstIndex(): number;

  /** The index of the last entry, or the snapshot's when there is none. */
  lastIndex(): number;

  /**
   * The newest snapshot, for a follower that lags behind `firstIndex()`; its index must be at least
   * `firstIndex() - 1`. Throws `RaftError` "snapshotUnavailable" while it is being prepared: raft asks again.
   */
  snapshot(): Snapshot;
}
