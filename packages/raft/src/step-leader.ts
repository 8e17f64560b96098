import { asV2, leavesJoint } from './confchange/changer.ts';
import { decodeConfChange } from './confchange/codec.ts';
import { RaftError } from './errors.ts';
import type { Raft } from './raft.ts';
import { answerConfirmedReads, decodeRound, startRead } from './read-index.ts';
import { broadcastAppend, maybeCommit, maybeSendAppend, sendRemaining } from './replication.ts';
import { isJoint } from './tracker/membership.ts';
import type { Progress } from './tracker/progress.ts';
import { type Entry, type MemberId, type Message, newMessage, noBytes, noMember } from './types.ts';

/** What a leader does with messages of its term. */
export function stepLeader(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'MsgProp':
      // Copied, for stamping them must not change what a transport may hand over twice.
      appendProposals(raft, message.entries.map(unstamped));
      return;
    case 'MsgReadIndex':
      startRead(raft, message.from, message.context);
      return;
    case 'MsgAppResp':
    case 'MsgHeartbeatResp':
    case 'MsgTransferLeader': {
      const progress = raft.tracker.progress.get(message.from);
      if (progress === undefined) return;
      if (message.type === 'MsgAppResp') handleAppendResponse(raft, message, progress);
      else if (message.type === 'MsgHeartbeatResp')
        handleHeartbeatResponse(raft, message, progress);
      else handleTransfer(raft, message.from, progress);
      return;
    }
    default:
      // Votes for an election that is won, answers meant for a follower.
      return;
  }
}

function unstamped(entry: Entry): Entry {
  return { term: 0, index: 0, type: entry.type, data: entry.data, context: undefined };
}

/** Stamps the entries and appends them all, or throws `RaftError` "proposalDropped" and appends none. */
export function appendProposals(raft: Raft, entries: readonly Entry[]): void {
  if (!raft.tracker.progress.has(raft.id)) {
    throw new RaftError('proposalDropped', 'this member was removed');
  }
  if (raft.transferee !== noMember) {
    throw new RaftError('proposalDropped', 'the leadership is being transferred');
  }
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += (entries[i] as Entry).data.length;
  const used = raft.uncommittedBytes;
  if (used > 0 && bytes > 0 && used + bytes > raft.config.maxUncommittedBytes) {
    throw new RaftError('proposalDropped', 'too much is waiting to be committed');
  }
  let index = raft.log.lastIndex;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    index++;
    entry.term = raft.term;
    entry.index = index;
    if (entry.type !== 'normal') admitConfChange(raft, entry);
    // Counted as it will be when it is applied: a refused membership change has no data left.
    raft.uncommittedBytes += entry.data.length;
  }
  raft.log.append(entries);
  broadcastAppend(raft);
}

/**
 * Turns a membership change into an empty entry if it can't be carried out now: one may still be in the log, or it
 * does not fit the current membership. Its proposer sees an empty entry at its index instead.
 */
function admitConfChange(raft: Raft, entry: Entry): void {
  const joint = isJoint(raft.tracker.conf);
  let leaves: boolean;
  try {
    leaves = leavesJoint(asV2(decodeConfChange(entry)));
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    raft.logger?.warn('refusing a membership change', { reason: error.message });
    entry.type = 'normal';
    entry.data = noBytes;
    return;
  }
  const pending = raft.pendingConfIndex > raft.log.applied;
  if (pending || joint !== leaves) {
    raft.logger?.info('refusing a membership change', { pending, joint, leaves });
    entry.type = 'normal';
    entry.data = noBytes;
  } else {
    raft.pendingConfIndex = entry.index;
  }
}

function handleAppendResponse(raft: Raft, message: Message, progress: Progress): void {
  progress.recentActive = true;
  if (message.reject) {
    handleReject(raft, message, progress);
    return;
  }
  const wasPaused = progress.isPaused();
  const news = progress.maybeUpdate(message.index);
  // A probe that learns nothing new has still found where the logs meet.
  if (!news && !(progress.match === message.index && progress.state === 'probe')) return;
  if (progress.state === 'probe') {
    progress.becomeReplicate();
  } else if (progress.state === 'replicate') {
    progress.inflights.freeThrough(message.index);
    progress.flowPaused = progress.inflights.full;
  } else if (progress.match + 1 >= raft.log.firstIndex) {
    // It caught up with what the log still has, by the snapshot or otherwise.
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  if (maybeCommit(raft)) {
    broadcastAppend(raft);
  } else if (wasPaused) {
    // Messages were held back, and with them the news of what is committed.
    maybeSendAppend(raft, message.from, progress, true);
  }
  sendRemaining(raft, message.from, progress);
  if (message.from === raft.transferee && progress.match === raft.log.lastIndex) {
    sendTimeoutNow(raft, message.from);
  }
}

/** Moves the follower's `next` back to where both logs can agree at best, skipping whole terms. */
function handleReject(raft: Raft, message: Message, progress: Progress): void {
  const hint =
    message.logTerm > 0
      ? raft.log.lastIndexOfTerm(message.rejectHint, message.logTerm)
      : message.rejectHint;
  if (!progress.maybeDecrease(message.index, hint)) return;
  maybeSendAppend(raft, message.from, progress, true);
}

function handleHeartbeatResponse(raft: Raft, message: Message, progress: Progress): void {
  progress.recentActive = true;
  // An append message or its answer may be lost: try again, if only with an empty one that finds out.
  progress.flowPaused = false;
  if (progress.match < raft.log.lastIndex || progress.state === 'probe') {
    maybeSendAppend(raft, message.from, progress, true);
  }
  const round = decodeRound(message.context);
  if (round > progress.readRound) {
    progress.readRound = round;
    answerConfirmedReads(raft);
  }
}

/** Lets `to` catch up, then tells it to campaign; proposals are dropped meanwhile (Raft dissertation §3.10). */
function handleTransfer(raft: Raft, to: MemberId, progress: Progress): void {
  if (progress.isLearner || to === raft.id || to === raft.transferee) return;
  raft.logger?.info('transferring leadership', { to, term: raft.term });
  raft.transferee = to;
  // The transfer has as long as an election would take.
  raft.electionElapsed = 0;
  if (progress.match === raft.log.lastIndex) sendTimeoutNow(raft, to);
  else maybeSendAppend(raft, to, progress, true);
}

function sendTimeoutNow(raft: Raft, to: MemberId): void {
  raft.abdicated = true;
  raft.send(newMessage('MsgTimeoutNow', to));
}
