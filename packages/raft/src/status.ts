import type { Raft } from './raft.ts';
import type { Progress, ProgressState } from './tracker/progress.ts';
import type { ConfState, HardState, MemberId, SoftState } from './types.ts';

/** What a leader knows about a member; see `Progress`. */
export interface ProgressStatus {
  match: number;
  next: number;
  state: ProgressState;
  isLearner: boolean;
  recentActive: boolean;
  isPaused: boolean;
  pendingSnapshot: number;
  inflightCount: number;
}

/** A node at one moment: a copy, for operators and tests. */
export interface Status {
  id: MemberId;
  hardState: HardState;
  softState: SoftState;
  /** The highest index whose application was confirmed. */
  applied: number;
  lastIndex: number;
  conf: ConfState;
  /** The member that shall lead next, or `noMember`. */
  transferee: MemberId;
  /** By member; empty unless this is the leader. */
  progress: ReadonlyMap<MemberId, ProgressStatus>;
}

export function statusOf(raft: Raft): Status {
  const progress = new Map<MemberId, ProgressStatus>();
  if (raft.role === 'leader') {
    for (const [id, p] of raft.tracker.progress) progress.set(id, progressStatus(p));
  }
  return {
    id: raft.id,
    hardState: { term: raft.term, vote: raft.vote, commit: raft.log.committed },
    softState: { leader: raft.leader, role: raft.role },
    applied: raft.log.applied,
    lastIndex: raft.log.lastIndex,
    conf: raft.tracker.conf,
    transferee: raft.transferee,
    progress,
  };
}

function progressStatus(p: Progress): ProgressStatus {
  return {
    match: p.match,
    next: p.next,
    state: p.state,
    isLearner: p.isLearner,
    recentActive: p.recentActive,
    isPaused: p.isPaused(),
    pendingSnapshot: p.pendingSnapshot,
    inflightCount: p.inflights.count,
  };
}
