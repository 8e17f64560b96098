import { invariant } from './invariant.ts';
import { UnstableLog } from './log-unstable.ts';
import type { Storage } from './storage.ts';
import { type Entry, type Snapshot, sliceWithin } from './types.ts';

/**
 * The log as the algorithm sees it: storage, and behind it what is on the way there.
 *
 * `applied <= applying <= committed <= lastIndex`, and nothing is applied before storage has it: an application
 * that persists its state would otherwise be ahead of its own log after a crash.
 */
export class RaftLog {
  readonly storage: Storage;
  readonly unstable: UnstableLog;
  /** The highest index known to be on a quorum. Never falls. */
  committed: number;
  /** The highest index handed out for application. */
  applying: number;
  /** The highest index whose application the owner has confirmed. */
  applied: number;

  constructor(storage: Storage, committed: number, applied: number) {
    this.storage = storage;
    this.unstable = new UnstableLog(storage.lastIndex() + 1);
    const before = storage.firstIndex() - 1;
    this.applied = Math.max(applied, before);
    this.applying = this.applied;
    // What was applied was committed, even if the disk lost the news of it.
    this.committed = Math.max(committed, this.applied);
    invariant(this.committed <= this.lastIndex, 'stored state is ahead of the stored log', {
      committed,
      applied,
      lastIndex: this.lastIndex,
    });
  }

  get firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === undefined ? this.storage.firstIndex() : snapshot.metadata.index + 1;
  }

  get lastIndex(): number {
    return this.unstable.lastIndex;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex);
  }

  /** The last index that storage holds as part of this log. */
  get durableIndex(): number {
    return this.unstable.snapshot === undefined ? this.unstable.offset - 1 : 0;
  }

  /** The term at `index`, or 0 where the log has no term to tell: compacted, beyond the end, or index 0. */
  termAt(index: number): number {
    if (index > this.lastIndex || index < this.firstIndex - 1) return 0;
    return this.unstable.termAt(index) ?? this.storage.term(index);
  }

  /** Whether the entry at `index` has that term; if so, both logs agree up to it (Raft dissertation §3.5). */
  matches(index: number, term: number): boolean {
    if (index > this.lastIndex || index < this.firstIndex - 1) return false;
    return this.termAt(index) === term;
  }

  /** Whether a log ending in (`lastIndex`, `lastTerm`) has all that this one has (Raft dissertation §3.6.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ownTerm = this.lastTerm;
    return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.lastIndex);
  }

  /** Appends the leader's own entries at the end. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    invariant((entries[0] as Entry).index > this.committed, 'appending over committed entries');
    this.unstable.append(entries);
  }

  /**
   * Appends a leader's entries that follow (`prevIndex`, `prevTerm`), keeping those that are there already: the
   * message may be old, and cutting off what came after it could lose acknowledged entries. Returns the last index
   * that now equals the leader's, or undefined if the logs do not meet at `prevIndex`.
   */
  maybeAppend(prevIndex: number, prevTerm: number, entries: readonly Entry[]): number | undefined {
    if (!this.matches(prevIndex, prevTerm)) return undefined;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      invariant(entry.index === prevIndex + 1 + i, 'a message carries entries with a gap');
      if (this.matches(entry.index, entry.term)) continue;
      this.append(i === 0 ? entries : entries.slice(i));
      break;
    }
    return prevIndex + entries.length;
  }

  /**
   * The highest index <= `index` whose term is <= `term`: the logs can agree there at best. Both sides use it, so
   * that one round trip skips a whole term of differing entries (Raft dissertation §3.5, last paragraphs).
   */
  lastIndexOfTerm(index: number, term: number): number {
    let candidate = Math.min(index, this.lastIndex);
    const stop = this.firstIndex - 1;
    while (candidate > stop && this.termAt(candidate) > term) candidate--;
    return candidate;
  }

  /** Raises the commit index; a lower one is old news. */
  commitTo(index: number): void {
    if (index <= this.committed) return;
    invariant(index <= this.lastIndex, 'committing beyond the log: was it truncated or lost?', {
      index,
      lastIndex: this.lastIndex,
    });
    this.committed = index;
  }

  /** The highest index that may be applied now: committed, in storage, and not hidden by a pending snapshot. */
  get applicableIndex(): number {
    if (this.unstable.snapshot !== undefined) return this.applying;
    return Math.min(this.committed, this.unstable.offset - 1);
  }

  hasNextCommitted(): boolean {
    return this.applicableIndex > this.applying;
  }

  /** The next entries to apply, from one up to about `maxBytes` of them. */
  nextCommitted(maxBytes: number): Entry[] {
    const hi = this.applicableIndex + 1;
    const lo = this.applying + 1;
    return lo < hi ? this.storage.entries(lo, hi, maxBytes) : [];
  }

  appliedTo(index: number): void {
    invariant(index >= this.applied && index <= this.applying, 'applied what was not handed out', {
      index,
      applied: this.applied,
      applying: this.applying,
    });
    this.applied = index;
  }

  /** The entries [lo, hi) up to `maxBytes`, at least one. The array is the caller's. */
  slice(lo: number, hi: number, maxBytes: number): Entry[] {
    if (lo >= hi) return [];
    const { offset, entries } = this.unstable;
    if (lo >= offset) return sliceWithin(entries, lo - offset, hi - offset, maxBytes);
    const stored = this.storage.entries(lo, Math.min(hi, offset), maxBytes);
    if (hi <= offset || lo + stored.length < offset) return stored;
    const joined = stored.concat(entries.slice(0, hi - offset));
    return sliceWithin(joined, 0, joined.length, maxBytes);
  }

  /** The entries from `lo` to the end, up to `maxBytes`. */
  entriesFrom(lo: number, maxBytes: number): Entry[] {
    return this.slice(lo, this.lastIndex + 1, maxBytes);
  }

  /** Whether a membership change is among the entries that are not applied, up to `index`. Reads `maxBytes` at a time. */
  hasConfChange(index: number, maxBytes: number): boolean {
    // What is compacted has been applied, even if its Ready is not confirmed yet.
    let lo = Math.max(this.applied + 1, this.firstIndex);
    while (lo <= index) {
      const entries = this.slice(lo, index + 1, maxBytes);
      if (entries.some((entry) => entry.type !== 'normal')) return true;
      lo += entries.length;
    }
    return false;
  }

  /** The snapshot to send to a follower that is behind `firstIndex`. May throw "snapshotUnavailable". */
  snapshot(): Snapshot {
    return this.unstable.snapshot ?? this.storage.snapshot();
  }

  /** Replaces the whole log by a snapshot. `applying` follows when it is handed out. */
  restore(snapshot: Snapshot): void {
    invariant(snapshot.metadata.index > this.committed, 'restoring an older state');
    this.committed = snapshot.metadata.index;
    this.unstable.restore(snapshot);
  }
}
