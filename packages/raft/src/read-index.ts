import type { Raft } from './raft.ts';
import { broadcastHeartbeat } from './replication.ts';
import { type MemberId, newMessage } from './types.ts';

/*
 * Linearizable reads without writing to the log (Raft dissertation §6.4):
 *
 *  1. the leader must have committed an entry of its own term, else it may not know the newest commit;
 *  2. it notes its commit index;
 *  3. a quorum confirms, after that, that it still is the leader;
 *  4. the read waits until that index is applied.
 *
 * Confirmations are numbered in rounds, and every heartbeat carries the newest round. A member that answers round n
 * has confirmed all rounds before, so the confirmed round is found as the commit index is: by a quorum of numbers.
 */

/** Reads that wait at a leader. Beyond that many the newest are dropped; the callers ask again. */
const maxPendingReads = 65_536;

interface PendingRead {
  /**
   * Confirmed when a quorum has answered this round, which may still have to begin; 0 while the leader has no commit
   * of its own term.
   */
  round: number;
  /** The commit index when the read came in. */
  index: number;
  from: MemberId;
  context: Uint8Array;
}

/** The reads of a leader that are not confirmed, oldest first, and its lease. */
export class ReadIndexQueue {
  /** The newest round; starts over with each term, and so do the answers in `Progress.readRound`. */
  round = 0;
  pending: PendingRead[] = [];
  /** Whether reads wait for the round after `round`. All that come before the next Ready share it. */
  wantsRound = false;

  /** Ticks since this member became leader. */
  ticks = 0;
  /** The round whose confirmation will renew the lease, and when it began. 0: none is timed. */
  timedRound = 0;
  timedSince = 0;
  /** Until when, in `ticks`, no other leader can have been elected. */
  leaseEnd = 0;

  reset(): void {
    this.round = 0;
    this.pending = [];
    this.wantsRound = false;
    this.ticks = 0;
    this.timedRound = 0;
    this.timedSince = 0;
    this.leaseEnd = 0;
  }

  /** Begins a round, and times it unless an earlier one is being timed. */
  beginRound(): void {
    this.round++;
    this.wantsRound = false;
    if (this.timedRound === 0) {
      this.timedRound = this.round;
      this.timedSince = this.ticks;
    }
  }

  /** The round that will confirm what comes now. */
  nextRound(): number {
    this.wantsRound = true;
    return this.round + 1;
  }
}

/**
 * A member that has just heard from its leader listens to no candidate for `electionTicks` of its own ticks. Counted
 * from the moment the round began, and with a tick of rounding on either side, no quorum can have moved on earlier.
 */
function renewLease(raft: Raft, confirmed: number): void {
  const { reads } = raft;
  if (reads.timedRound === 0 || confirmed < reads.timedRound) return;
  reads.leaseEnd = reads.timedSince + raft.config.electionTicks - 2;
  reads.timedRound = 0;
}

/** Whether the leader may answer a read without asking: it decides alone, or its lease is running. */
function needsNoConfirmation(raft: Raft): boolean {
  if (raft.tracker.isOnlyVoter(raft.id)) return true;
  if (raft.config.readOnlyMode !== 'leaseBased' || raft.abdicated) return false;
  return raft.reads.ticks < raft.reads.leaseEnd;
}

/** At the leader: a read from `from`, which may be this member. */
export function startRead(raft: Raft, from: MemberId, context: Uint8Array): void {
  const queue = raft.reads;
  if (queue.pending.length >= maxPendingReads) {
    raft.logger?.warn('too many pending reads, dropping one', { limit: maxPendingReads });
    return;
  }
  if (!raft.hasCommittedInTerm()) {
    queue.pending.push({ round: 0, index: 0, from, context });
    return;
  }
  const index = raft.log.committed;
  if (needsNoConfirmation(raft)) {
    answerRead(raft, from, index, context);
    return;
  }
  queue.pending.push({ round: queue.nextRound(), index, from, context });
}

/** At the leader, when a Ready is taken: asks everybody on behalf of the reads that have come since the last one. */
export function beginWantedRound(raft: Raft): void {
  if (!raft.reads.wantsRound) return;
  raft.reads.beginRound();
  broadcastHeartbeat(raft);
  // The others may have left meanwhile, and nobody need be asked any more.
  answerConfirmedReads(raft);
}

/** At the leader, once its first entry is committed: lets the reads that waited for it begin. */
export function startWaitingReads(raft: Raft): void {
  const waiting = raft.reads.pending;
  if (waiting.length === 0 || waiting[0]?.round !== 0) return;
  const index = raft.log.committed;
  if (needsNoConfirmation(raft)) {
    raft.reads.pending = [];
    for (const read of waiting) answerRead(raft, read.from, index, read.context);
    return;
  }
  const round = raft.reads.nextRound();
  for (const read of waiting) {
    read.round = round;
    read.index = index;
  }
}

/** At the leader, when a round was answered or the quorum changed: answers the reads that are confirmed. */
export function answerConfirmedReads(raft: Raft): void {
  const pending = raft.reads.pending;
  const confirmed = confirmedRound(raft);
  renewLease(raft, confirmed);
  let count = 0;
  for (const read of pending) {
    if (read.round === 0 || read.round > confirmed) break;
    answerRead(raft, read.from, read.index, read.context);
    count++;
  }
  if (count > 0) raft.reads.pending = pending.slice(count);
}

function answerRead(raft: Raft, from: MemberId, index: number, context: Uint8Array): void {
  if (from === raft.id) {
    raft.readStates.push({ index, context });
    return;
  }
  const answer = newMessage('MsgReadIndexResp', from);
  answer.index = index;
  answer.context = context;
  raft.send(answer);
}

/** The newest round that a quorum has confirmed; the leader believes in itself. */
function confirmedRound(raft: Raft): number {
  const own = raft.tracker.progress.get(raft.id);
  if (own !== undefined) own.readRound = raft.reads.round;
  return Math.min(raft.tracker.quorumReadRound(), raft.reads.round);
}

/** Bytes of a round as heartbeats carry it: 64 bits, big-endian. */
export function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(round / 2 ** 32));
  view.setUint32(4, round % 2 ** 32);
  return bytes;
}

/** The round in an answer to a heartbeat; 0 if it carries none. */
export function decodeRound(bytes: Uint8Array): number {
  if (bytes.length !== 8) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
