import { invariant } from './invariant.ts';
import type { Raft } from './raft.ts';
import { broadcastAppend, broadcastHeartbeat } from './replication.ts';
import { type MemberId, type Message, newMessage, noMember } from './types.ts';

/** What makes a member campaign. A transfer skips the pre-vote and asks members to ignore their leader (§3.10). */
export type CampaignReason = 'timeout' | 'transfer';

/** The context of vote requests that come from a leadership transfer; the same bytes as etcd's. */
const transferContext = Uint8Array.from('CampaignTransfer', (c) => c.charCodeAt(0));

/** Lets one tick of time pass. */
export function tick(raft: Raft): void {
  if (raft.quarantineTicks > 0) raft.quarantineTicks--;
  if (raft.role === 'leader') tickLeader(raft);
  else tickOther(raft);
}

function tickOther(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.electionElapsed < raft.electionLimit || !raft.isPromotable()) return;
  raft.electionElapsed = 0;
  campaign(raft, 'timeout');
}

function tickLeader(raft: Raft): void {
  raft.electionElapsed++;
  raft.heartbeatElapsed++;
  raft.reads.ticks++;
  if (raft.electionElapsed >= raft.config.electionTicks) {
    raft.electionElapsed = 0;
    if (raft.config.checkQuorum && !hasActiveQuorum(raft)) {
      raft.logger?.warn('stepping down, no quorum is active', { id: raft.id, term: raft.term });
      raft.becomeFollower(raft.term, noMember);
      return;
    }
    // A transfer that takes longer than an election is given up: the cluster can't write meanwhile (§3.10).
    raft.transferee = noMember;
  }
  if (raft.heartbeatElapsed >= raft.config.heartbeatTicks) {
    raft.heartbeatElapsed = 0;
    if (raft.config.readOnlyMode === 'leaseBased' || raft.reads.wantsRound) raft.reads.beginRound();
    broadcastHeartbeat(raft);
  }
}

/** Whether a quorum was heard from since the last time this was asked. */
function hasActiveQuorum(raft: Raft): boolean {
  const active = raft.tracker.isQuorumActive();
  for (const [id, progress] of raft.tracker.progress) progress.recentActive = id === raft.id;
  return active;
}

/**
 * Tries to become leader, unless this member already is, may not be, or has a committed membership change still to
 * apply: it would count votes by the wrong membership.
 */
export function campaign(raft: Raft, reason: CampaignReason): void {
  if (raft.role === 'leader' || !raft.isPromotable()) return;
  if (hasUnappliedConfChange(raft)) {
    raft.logger?.warn('not campaigning before membership changes are applied', { id: raft.id });
    return;
  }
  raft.logger?.info('starting an election', { id: raft.id, term: raft.term, reason });
  if (raft.config.preVote && reason === 'timeout') campaignAsPreCandidate(raft);
  else campaignAsCandidate(raft, reason);
}

function campaignAsPreCandidate(raft: Raft): void {
  raft.becomePreCandidate();
  raft.tracker.recordVote(raft.id, true);
  if (raft.tracker.voteResult() === 'won') {
    campaignAsCandidate(raft, 'timeout');
    return;
  }
  requestVotes(raft, 'MsgPreVote', raft.term + 1, 'timeout');
}

/** Its own vote counts once it is on disk, as any other vote does; see `acknowledgeOwnVote`. */
export function campaignAsCandidate(raft: Raft, reason: CampaignReason): void {
  raft.becomeCandidate();
  requestVotes(raft, 'MsgVote', raft.term, reason);
}

function requestVotes(
  raft: Raft,
  type: 'MsgVote' | 'MsgPreVote',
  term: number,
  reason: CampaignReason,
): void {
  for (const id of raft.tracker.progress.keys()) {
    if (id === raft.id || !raft.tracker.isVoter(id)) continue;
    const message = newMessage(type, id);
    message.term = term;
    message.index = raft.log.lastIndex;
    message.logTerm = raft.log.lastTerm;
    if (reason === 'transfer') message.context = transferContext;
    tellCommit(raft, message);
    raft.send(message);
  }
}

/** At a candidate whose term and vote are on disk. */
export function acknowledgeOwnVote(raft: Raft): void {
  invariant(
    raft.role === 'candidate' && raft.vote === raft.id,
    'the vote of a candidate is its own',
  );
  if (raft.tracker.votes.has(raft.id)) return;
  raft.tracker.recordVote(raft.id, true);
  finishElection(raft);
}

/** Counts the votes of the current election, and acts if they have decided it. */
export function finishElection(raft: Raft): void {
  const result = raft.tracker.voteResult();
  if (result === 'lost') {
    // No higher term came with the refusals, else this member would have followed it.
    raft.becomeFollower(raft.term, noMember);
  } else if (result === 'won' && raft.role === 'preCandidate') {
    campaignAsCandidate(raft, 'timeout');
  } else if (result === 'won') {
    raft.becomeLeader();
    broadcastAppend(raft);
  }
}

/**
 * Answers MsgVote and MsgPreVote. A vote is given to one candidate per term, first come, first served, and only if
 * its log has all that this member's log has (Raft dissertation §3.4, §3.6.1). Learners answer too: one that has not
 * learnt yet that it is a voter may be needed for the quorum.
 */
export function handleVoteRequest(raft: Raft, message: Message): void {
  const isPreVote = message.type === 'MsgPreVote';
  const free =
    raft.vote === message.from ||
    (raft.vote === noMember && raft.leader === noMember) ||
    (isPreVote && message.term > raft.term);
  const granted = free && raft.log.isUpToDate(message.index, message.logTerm);
  const answer = newMessage(isPreVote ? 'MsgPreVoteResp' : 'MsgVoteResp', message.from);
  // A granted pre-vote is for the term asked for, which this member has not entered.
  answer.term = granted ? message.term : raft.term;
  answer.reject = !granted;
  tellCommit(raft, answer);
  raft.send(answer);
  if (granted && isPreVote && givesWay(raft, message)) raft.becomeFollower(raft.term, noMember);
  if (granted && !isPreVote) {
    raft.electionElapsed = 0;
    raft.vote = message.from;
  }
}

/**
 * Whether a pre-candidate gives way to another one whose request it grants. When both have just begun to ask, each
 * would be promised the term by the other, both would vote for themselves, and wait for another time-out; so the one
 * with the smaller id withdraws. It does so for a heartbeat only, since the other one may have no way to the rest, and
 * that costs nothing but time: promises bind nobody. etcd has its split votes.
 */
function givesWay(raft: Raft, message: Message): boolean {
  const hasJustBegun = raft.electionElapsed < raft.config.heartbeatTicks;
  return raft.role === 'preCandidate' && raft.id < message.from && hasJustBegun;
}

/** Adds what is known to be committed, and of which term that entry is, to a vote request or its answer. */
export function tellCommit(raft: Raft, message: Message): void {
  message.commit = raft.log.committed;
  message.rejectHint = raft.log.termAt(raft.log.committed);
}

/**
 * Learns from a vote request or its answer what is committed. Memberships take effect when they are applied, not, as
 * in the dissertation, when they are appended. So without a leader a member may wait for the votes of somebody whose
 * removal is in its own log, committed, but not known to it as such; and nobody else may have a log long enough. That
 * an entry is committed is true for ever and whoever says it, so those who know pass it on. etcd lacks this, and
 * ignores the two fields; raft-rs does the same.
 */
export function learnCommit(raft: Raft, message: Message): void {
  const { log } = raft;
  if (message.commit <= log.committed || !log.matches(message.commit, message.rejectHint)) return;
  log.commitTo(message.commit);
  const campaigning = raft.role === 'candidate' || raft.role === 'preCandidate';
  // The votes were asked for by a membership that may be out of date.
  if (campaigning && hasUnappliedConfChange(raft)) raft.becomeFollower(raft.term, noMember);
}

/** Whether a candidate is not to be listened to, because a leader is there or may be (Raft dissertation §4.2.3). */
export function ignoresCandidate(raft: Raft, message: Message): boolean {
  if (message.type !== 'MsgVote' && message.type !== 'MsgPreVote') return false;
  if (sameBytes(message.context, transferContext)) return false;
  if (raft.quarantineTicks > 0) return true;
  return raft.config.checkQuorum && hearsLeader(raft);
}

function hearsLeader(raft: Raft): boolean {
  return raft.leader !== noMember && raft.electionElapsed < raft.config.electionTicks;
}

/** Whether a leader elsewhere may be reading by a lease that this member has granted (Raft dissertation §6.4.1). */
export function isBoundByLease(raft: Raft): boolean {
  if (raft.config.readOnlyMode !== 'leaseBased' || raft.tracker.isOnlyVoter(raft.id)) return false;
  return raft.quarantineTicks > 0 || hearsLeader(raft);
}

/**
 * At a follower whose leader has ended: forgets it, so that another one may be voted for at once, and shortens what is
 * left of its own time-out, at random, to no more than a quarter of the shortest one. Only the timing of an election
 * changes. With leases, which are promises to a leader, nothing is done.
 */
export function forgetLeader(raft: Raft, id: MemberId): void {
  if (raft.role !== 'follower' || raft.leader !== id) return;
  if (raft.config.readOnlyMode === 'leaseBased') return;
  raft.logger?.info('the leader has ended', { leader: id, term: raft.term });
  raft.leader = noMember;
  const { electionTicks, random } = raft.config;
  const left = 1 + Math.floor(random() * Math.ceil(electionTicks / 4));
  raft.electionElapsed = Math.max(raft.electionElapsed, raft.electionLimit - left);
}

function hasUnappliedConfChange({ log, config }: Raft): boolean {
  return log.hasConfChange(log.committed, config.maxCommittedSizePerReady);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
