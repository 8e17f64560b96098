import { invariant } from '../invariant.ts';
import type { Inflights } from './inflights.ts';

/**
 * How the leader sends to a follower.
 *
 * - `probe`: it does not know where the logs meet; one append message at a time, until one is accepted.
 * - `replicate`: it does; messages are sent without waiting, up to the inflight limits.
 * - `snapshot`: the follower needs entries that are compacted; nothing is sent until the snapshot has arrived.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows about one member's log. Raft dissertation §3.5: matchIndex and nextIndex. */
export class Progress {
  /** The highest index known to be durable there. Never falls within a term. `match < next`. */
  match: number;
  /** The next index to send. In `replicate` it runs ahead of `match` by what is in flight. */
  next: number;
  state: ProgressState = 'probe';
  /** In `snapshot`: the index of the one that was sent. Else 0. */
  pendingSnapshot = 0;
  /**
   * In `replicate`: refusals of positions below this may be of messages that were streamed before the last probe. To
   * act on them would begin one stream after another where messages overtake each other.
   */
  refusedBelow = 0;
  /** Whether anything was heard from it since the last quorum check. */
  recentActive = false;
  /** Nothing is sent while set: in `probe` one message is out, in `replicate` the inflights are full. */
  flowPaused = false;
  /** A learner gets the log but decides nothing (Raft dissertation §4.2.1). */
  isLearner: boolean;
  /** The newest round of read confirmations that it has answered; see `ReadIndexQueue`. */
  readRound = 0;
  readonly inflights: Inflights;

  constructor(match: number, next: number, isLearner: boolean, inflights: Inflights) {
    this.match = match;
    this.next = next;
    this.isLearner = isLearner;
    this.inflights = inflights;
  }

  isPaused(): boolean {
    return this.state === 'snapshot' || this.flowPaused;
  }

  /** Looks for the point where the logs meet, from what is known: after `match`, or after the snapshot. */
  becomeProbe(): void {
    if (this.state === 'replicate') this.refusedBelow = this.next - 1;
    const next =
      this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) + 1 : this.match + 1;
    this.#enter('probe');
    this.next = next;
  }

  /** The logs meet at `match`: streams from there. */
  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  /** Waits for the snapshot at `index` to arrive. */
  becomeSnapshot(index: number): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.pendingSnapshot = 0;
    this.flowPaused = false;
    this.inflights.reset();
  }

  /** Takes note of an append message with `count` entries of `bytes` in all, starting at `next`. */
  sent(count: number, bytes: number): void {
    invariant(this.state !== 'snapshot', 'entries sent while a snapshot is on its way');
    if (this.state === 'probe') {
      this.flowPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    this.flowPaused = this.inflights.full;
  }

  /** The follower has everything up to `index`. Returns whether that is news. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.flowPaused = false;
    return true;
  }

  /**
   * The follower refused entries after `rejected`, and the logs meet at `hint` at best. Goes back to probing and
   * returns true, or returns false if the refusal is old: messages may arrive late, twice and in any order.
   */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match || rejected < this.refusedBelow) return false;
      this.becomeProbe();
      return true;
    }
    // A probe goes out alone, right before `next`: any other index answers an earlier one.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.flowPaused = false;
    return true;
  }
}
