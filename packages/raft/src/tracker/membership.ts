import { type ConfState, emptyConfState, type MemberId } from '../types.ts';

/** Whether `id` votes in either half of the membership. */
export function isVoter(conf: ConfState, id: MemberId): boolean {
  return conf.voters.includes(id) || conf.votersOutgoing.includes(id);
}

/** Whether a joint change is under way. */
export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** Every member, each once, in ascending order. */
export function memberIds(conf: ConfState): MemberId[] {
  const ids = new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners]);
  return sortedIds(ids);
}

export function sortedIds(ids: Iterable<MemberId>): MemberId[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Whether two memberships have the same effect. Both must be sorted. */
export function sameConfState(a: ConfState, b: ConfState): boolean {
  return (
    a.autoLeave === b.autoLeave &&
    sameIds(a.voters, b.voters) &&
    sameIds(a.learners, b.learners) &&
    sameIds(a.votersOutgoing, b.votersOutgoing) &&
    sameIds(a.learnersNext, b.learnersNext)
  );
}

/** The same membership with every list sorted and free of duplicates, whatever order it was stored in. */
export function normalizedConfState(conf: Partial<ConfState>): ConfState {
  return {
    voters: sortedIds(new Set(conf.voters ?? emptyConfState.voters)),
    learners: sortedIds(new Set(conf.learners ?? emptyConfState.learners)),
    votersOutgoing: sortedIds(new Set(conf.votersOutgoing ?? emptyConfState.votersOutgoing)),
    learnersNext: sortedIds(new Set(conf.learnersNext ?? emptyConfState.learnersNext)),
    autoLeave: conf.autoLeave ?? false,
  };
}

function sameIds(a: readonly MemberId[], b: readonly MemberId[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
