import type { Raft } from '../raft.ts';
import { answerConfirmedReads } from '../read-index.ts';
import { broadcastAppend, maybeCommit, maybeSendAppend } from '../replication.ts';
import { appendProposals } from '../step-leader.ts';
import { isVoter } from '../tracker/membership.ts';
import {
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  noBytes,
  noMember,
} from '../types.ts';
import { changedConf } from './changer.ts';

/**
 * Makes a committed change the current membership, and draws the consequences at a leader: the new quorum may have
 * committed more, new members want to be probed, a removed leader steps down (Raft dissertation §4.2.2).
 */
export function applyConfChange(raft: Raft, change: ConfChange | ConfChangeV2): ConfState {
  const conf = changedConf(raft.tracker.conf, change);
  raft.tracker.setConf(conf, Math.max(1, raft.log.lastIndex));
  raft.logger?.info('switched membership', { id: raft.id, voters: conf.voters });
  if (raft.role !== 'leader') return conf;
  if (!isVoter(conf, raft.id)) {
    raft.becomeFollower(raft.term, noMember);
    return conf;
  }
  if (maybeCommit(raft)) {
    broadcastAppend(raft);
  } else {
    for (const [id, progress] of raft.tracker.progress) {
      if (id !== raft.id) maybeSendAppend(raft, id, progress, false);
    }
  }
  answerConfirmedReads(raft);
  if (raft.transferee !== noMember && !isVoter(conf, raft.transferee)) raft.transferee = noMember;
  return conf;
}

/** At the leader: leaves a joint membership that asks for it, once the change that entered it is applied. */
export function maybeLeaveJoint(raft: Raft): void {
  if (!raft.tracker.conf.autoLeave || raft.role !== 'leader' || raft.transferee !== noMember)
    return;
  if (raft.log.applied < raft.pendingConfIndex) return;
  const leave: Entry = {
    term: 0,
    index: 0,
    type: 'confChangeV2',
    data: noBytes,
    context: undefined,
  };
  appendProposals(raft, [leave]);
}
