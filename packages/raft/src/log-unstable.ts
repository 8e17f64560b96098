import { invariant } from './invariant.ts';
import type { Entry, Snapshot } from './types.ts';

/**
 * The end of the log that storage is not known to hold: entries from `offset` on, and possibly a snapshot that
 * replaces everything before `offset`. What was handed out in a `Ready` stays here until it is known to be durable,
 * because it may be overwritten meanwhile.
 *
 *     storage            | unstable
 *     … 4 5 6            | 7 8 9 10        offset = 7, acceptedEnd = 9
 *                          ^^^ in a Ready
 *
 * `offset <= acceptedEnd <= offset + entries.length`.
 */
export class UnstableLog {
  /** A snapshot received from the leader; its index is `offset - 1` when it arrives. */
  snapshot: Snapshot | undefined = undefined;
  snapshotAccepted = false;
  offset: number;
  entries: Entry[] = [];
  acceptedEnd: number;

  constructor(offset: number) {
    this.offset = offset;
    this.acceptedEnd = offset;
  }

  get lastIndex(): number {
    return this.offset + this.entries.length - 1;
  }

  /** The term at `index`, or undefined if that position is in storage, compacted, or does not exist. */
  termAt(index: number): number | undefined {
    if (index >= this.offset) return this.entries[index - this.offset]?.term;
    const metadata = this.snapshot?.metadata;
    return metadata?.index === index ? metadata.term : undefined;
  }

  /** Adds entries after the last one, or replaces everything from the first one's index on. */
  append(entries: readonly Entry[]): void {
    const first = (entries[0] as Entry).index;
    invariant(first <= this.lastIndex + 1, 'appending leaves a gap in the log');
    if (first <= this.offset) {
      // Storage's own tail from `first` on is void now: reads at or above `offset` never reach it.
      this.entries = [];
      this.offset = first;
    } else {
      this.entries.length = first - this.offset;
    }
    for (let i = 0; i < entries.length; i++) this.entries.push(entries[i] as Entry);
    this.acceptedEnd = Math.min(this.acceptedEnd, first);
  }

  /** Whether a Ready has something to persist. */
  hasNext(): boolean {
    return (
      this.acceptedEnd <= this.lastIndex || (this.snapshot !== undefined && !this.snapshotAccepted)
    );
  }

  /** The entries not yet handed out; the array is the caller's. */
  nextEntries(): Entry[] {
    return this.entries.slice(this.acceptedEnd - this.offset);
  }

  /** The snapshot, unless it has been handed out. */
  nextSnapshot(): Snapshot | undefined {
    return this.snapshotAccepted ? undefined : this.snapshot;
  }

  /** Marks everything here as handed out. */
  accept(): void {
    this.acceptedEnd = this.lastIndex + 1;
    this.snapshotAccepted = this.snapshot !== undefined;
  }

  /**
   * Forgets what is durable: everything up to `index`, if the entry there is still of `term`. If it is not, the
   * entries were overwritten after they had been handed out, and what storage now holds is not this log.
   */
  stableTo(index: number, term: number): void {
    if (index < this.offset || this.termAt(index) !== term) return;
    this.entries = index === this.lastIndex ? [] : this.entries.slice(index + 1 - this.offset);
    this.offset = index + 1;
    this.acceptedEnd = Math.max(this.acceptedEnd, this.offset);
  }

  /** Forgets the snapshot once storage has it. */
  stableSnapshotTo(index: number): void {
    if (this.snapshot?.metadata.index !== index) return;
    this.snapshot = undefined;
    this.snapshotAccepted = false;
  }

  /** Begins again after `snapshot`. */
  restore(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.snapshotAccepted = false;
    this.entries = [];
    this.offset = snapshot.metadata.index + 1;
    this.acceptedEnd = this.offset;
  }
}
