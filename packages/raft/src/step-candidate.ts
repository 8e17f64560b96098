import { finishElection } from './election.ts';
import { RaftError } from './errors.ts';
import { invariant } from './invariant.ts';
import type { Raft } from './raft.ts';
import { handleFromLeader } from './step-follower.ts';
import type { Message } from './types.ts';

/** What a candidate or pre-candidate does with messages of its term. */
export function stepCandidate(raft: Raft, message: Message): void {
  switch (message.type) {
    case 'MsgProp':
      throw new RaftError('proposalDropped', 'no leader is known');
    case 'MsgApp':
    case 'MsgHeartbeat':
    case 'MsgSnap':
      // Somebody else has won this term.
      invariant(message.term === raft.term, 'messages of a leader carry its term');
      raft.becomeFollower(message.term, message.from);
      handleFromLeader(raft, message);
      return;
    case 'MsgVoteResp':
    case 'MsgPreVoteResp': {
      const awaited = raft.role === 'candidate' ? 'MsgVoteResp' : 'MsgPreVoteResp';
      if (message.type !== awaited) return;
      raft.tracker.recordVote(message.from, !message.reject);
      finishElection(raft);
      return;
    }
    default:
      // Reads and transfers need a leader; answers to appends are for a role this member has left.
      return;
  }
}
