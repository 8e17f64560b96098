import { handleVoteRequest, ignoresCandidate, learnCommit, tellCommit } from './election.ts';
import type { Raft } from './raft.ts';
import { stepCandidate } from './step-candidate.ts';
import { stepFollower } from './step-follower.ts';
import { stepLeader } from './step-leader.ts';
import { type Message, type MessageType, newMessage, noMember } from './types.ts';

/**
 * Handles one message from another member, or one of this member's own that is forwarded (term 0). First the terms
 * are compared (Raft dissertation §3.3); then votes are answered alike in every role, and the rest by role.
 */
export function step(raft: Raft, message: Message): void {
  if (voteTypes.has(message.type) && raft.role !== 'leader') learnCommit(raft, message);
  if (message.term > raft.term) {
    if (!meetHigherTerm(raft, message)) return;
  } else if (message.term !== 0 && message.term < raft.term) {
    answerLowerTerm(raft, message);
    return;
  }
  if (message.type === 'MsgVote' || message.type === 'MsgPreVote') {
    handleVoteRequest(raft, message);
    return;
  }
  if (raft.role === 'leader') stepLeader(raft, message);
  else if (raft.role === 'follower') stepFollower(raft, message);
  else stepCandidate(raft, message);
}

const voteTypes: ReadonlySet<MessageType> = new Set([
  'MsgVote',
  'MsgVoteResp',
  'MsgPreVote',
  'MsgPreVoteResp',
]);

/** Follows the higher term, unless the message does not really have it. Returns whether to go on with it. */
function meetHigherTerm(raft: Raft, message: Message): boolean {
  if (ignoresCandidate(raft, message)) {
    raft.logger?.debug('ignoring a candidate, the leader is there', { from: message.from });
    return false;
  }
  // Nobody has entered the term of a pre-vote; if it is won, the candidate's own messages will bring it.
  if (message.type === 'MsgPreVote') return true;
  if (message.type === 'MsgPreVoteResp' && !message.reject) return true;
  const fromLeader =
    message.type === 'MsgApp' || message.type === 'MsgHeartbeat' || message.type === 'MsgSnap';
  raft.becomeFollower(message.term, fromLeader ? message.from : noMember);
  return true;
}

/**
 * Old messages are ignored, with two exceptions that keep members from being stuck. With pre-votes or quorum checks a
 * member that was cut off may have a higher term than the leader it does not accept; an answer of that term makes
 * the leader step down. And a pre-candidate of an old term learns the current one from the refusal.
 */
function answerLowerTerm(raft: Raft, message: Message): void {
  const fromLeader = message.type === 'MsgApp' || message.type === 'MsgHeartbeat';
  if (fromLeader && (raft.config.checkQuorum || raft.config.preVote)) {
    raft.send(newMessage('MsgAppResp', message.from));
  } else if (message.type === 'MsgPreVote') {
    const answer = newMessage('MsgPreVoteResp', message.from);
    answer.reject = true;
    tellCommit(raft, answer);
    raft.send(answer);
  }
}
