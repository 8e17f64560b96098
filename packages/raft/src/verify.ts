import { checkConf } from './confchange/changer.ts';
import { invariant } from './invariant.ts';
import type { Raft } from './raft.ts';
import { memberIds } from './tracker/membership.ts';
import { noMember } from './types.ts';

/** Checks everything that must hold between two calls; see `Config.verify`. */
export function verifyState(raft: Raft): void {
  verifyLog(raft);
  verifyRole(raft);
  verifyTracker(raft);
}

function verifyLog({ log, term }: Raft): void {
  const { applied, applying, committed, lastIndex, unstable } = log;
  invariant(applied <= applying, 'applied > applying', { applied, applying });
  invariant(applying <= committed, 'applying > committed', { applying, committed });
  invariant(committed <= lastIndex, 'committed > lastIndex', { committed, lastIndex });
  invariant(log.lastTerm <= term, 'the log is ahead of the term');
  invariant(unstable.offset <= unstable.acceptedEnd, 'offset > acceptedEnd');
  invariant(unstable.acceptedEnd <= lastIndex + 1, 'acceptedEnd is beyond the log');
  let previous = log.termAt(unstable.offset - 1);
  unstable.entries.forEach((entry, i) => {
    invariant(entry.index === unstable.offset + i, 'the unstable log has a gap');
    invariant(entry.term >= previous, 'terms fall along the log');
    previous = entry.term;
  });
}

function verifyRole(raft: Raft): void {
  const { role, leader, id, vote } = raft;
  if (role === 'leader') invariant(leader === id, 'a leader follows somebody else');
  else invariant(leader !== id, 'a member that does not lead follows itself');
  if (role === 'candidate' || role === 'preCandidate') {
    invariant(leader === noMember, 'a candidate knows a leader');
  }
  if (role === 'candidate') invariant(vote === id, 'a candidate voted for somebody else');
  if (role !== 'leader') invariant(raft.reads.pending.length === 0, 'only leaders confirm reads');
  invariant(raft.uncommittedBytes >= 0, 'negative uncommitted bytes');
}

function verifyTracker(raft: Raft): void {
  const { conf, progress } = raft.tracker;
  checkConf(conf);
  const ids = memberIds(conf);
  invariant(ids.length === progress.size, 'members and their progress differ');
  for (const id of ids) {
    const p = progress.get(id);
    invariant(p !== undefined, 'a member without progress', { id });
    invariant(p.isLearner === !raft.tracker.isVoter(id), 'learners and voters differ', { id });
    invariant(p.match < p.next, 'match >= next', { id, match: p.match, next: p.next });
    if (raft.role === 'leader') invariant(p.match <= raft.log.lastIndex, 'match > lastIndex');
    if (p.state !== 'snapshot') invariant(p.pendingSnapshot === 0, 'a snapshot nobody sent');
  }
}
