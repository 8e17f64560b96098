import { campaign } from './election.ts';
import { RaftError } from './errors.ts';
import { invariant } from './invariant.ts';
import type { Raft } from './raft.ts';
import { normalizedConfState } from './tracker/membership.ts';
import { type Message, newMessage, noMember, type Snapshot } from './types.ts';

/** What a follower does with messages of its term. */
export function stepFollower(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      invariant(
        raft.leader === noMember || raft.leader === message.from,
        'two leaders in one term',
        { term: raft.term, leader: raft.leader, other: message.from },
      );
      raft.electionElapsed = 0;
      raft.leader = message.from;
      handleFromLeader(raft, message);
      return;
    case 'MsgProp':
      forwardProposal(raft, message);
      return;
    case 'MsgReadIndex':
    case 'MsgTransferLeader':
      if (raft.leader === noMember) {
        raft.logger?.info('dropping a request, no leader is known', { type: message.type });
        return;
      }
      raft.send({ ...message, to: raft.leader });
      return;
    case 'MsgReadIndexResp':
      raft.readStates.push({ index: message.index, context: message.context });
      return;
    case 'MsgTimeoutNow':
      // The leader has asked: no pre-vote, and the others must not stick to it (Raft dissertation §3.10).
      campaign(raft, 'transfer');
      return;
    default:
      // Answers to a role that this member has left.
      return;
  }
}

function forwardProposal(raft: Raft, message: Message): void {
  if (raft.leader === noMember) throw new RaftError('proposalDropped', 'no leader is known');
  if (raft.config.disableProposalForwarding) {
    throw new RaftError('proposalDropped', 'this member does not forward proposals');
  }
  raft.send({ ...message, to: raft.leader });
}

/** Messages that only the leader of the term sends. */
export function handleFromLeader(raft: Raft, message: Message): void {
  if (message.type === 'MsgApp') handleAppend(raft, message);
  else if (message.type === 'MsgHeartbeat') handleHeartbeat(raft, message);
  else if (message.type === 'MsgSnap') handleSnapshot(raft, message);
}

function handleAppend(raft: Raft, message: Message): void {
  const { log } = raft;
  const answer = newMessage('MsgAppResp', message.from);
  if (message.index < log.committed) {
    // What is committed agrees with every later leader, so there is nothing to compare.
    answer.index = log.committed;
    raft.send(answer);
    return;
  }
  const last = log.maybeAppend(message.index, message.logTerm, message.entries);
  if (last === undefined) {
    // Tells where the logs can agree at best, to spare the leader a round trip per entry.
    const hint = log.lastIndexOfTerm(message.index, message.logTerm);
    answer.index = message.index;
    answer.reject = true;
    answer.rejectHint = hint;
    answer.logTerm = log.termAt(hint);
  } else {
    // Entries behind `last` may be of an older leader and must not be committed by this one's word.
    log.commitTo(Math.min(message.commit, last));
    answer.index = last;
  }
  raft.send(answer);
}

function handleHeartbeat(raft: Raft, message: Message): void {
  raft.log.commitTo(message.commit);
  const answer = newMessage('MsgHeartbeatResp', message.from);
  answer.context = message.context;
  raft.send(answer);
}

function handleSnapshot(raft: Raft, message: Message): void {
  invariant(message.snapshot !== undefined, 'a snapshot message without a snapshot');
  const restored = maybeRestore(raft, message.snapshot);
  const answer = newMessage('MsgAppResp', message.from);
  answer.index = restored ? raft.log.lastIndex : raft.log.committed;
  raft.send(answer);
}

/**
 * Replaces the log by the snapshot, unless it has nothing new. Returns whether it did. The snapshot may be from
 * before this member joined, and then does not know it (etcd ignores those): the log that follows will.
 */
function maybeRestore(raft: Raft, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.metadata;
  const { log } = raft;
  if (index <= log.committed) return false;
  if (log.matches(index, term)) {
    // The log has all of it: keep what follows, and just learn that it is committed.
    log.commitTo(index);
    return false;
  }
  if (log.hasConfChange(log.applying, raft.config.maxCommittedSizePerReady)) {
    // It is about to be applied, and would then change the snapshot's membership. The leader will send another one.
    raft.logger?.info('ignoring a snapshot until membership changes are applied', { index, term });
    return false;
  }
  raft.logger?.info('restoring a snapshot', { index, term });
  log.restore(snapshot);
  raft.tracker.progress.clear();
  raft.tracker.setConf(normalizedConfState(confState), log.lastIndex + 1);
  return true;
}
