import type { MemberId } from '../types.ts';
import { majorityIndex, majorityVote, type VoteResult } from './majority.ts';

/*
 * While a joint change is under way, everything needs a majority of the new voters and a majority of the old ones
 * (Raft dissertation §4.3). Outside of one, `outgoing` is empty and the plain majority rules.
 */

/** The highest index acknowledged by a majority of both sets. */
export function jointIndex(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  acknowledged: (voter: MemberId) => number,
): number {
  const index = majorityIndex(incoming, acknowledged);
  if (outgoing.length === 0) return index;
  return Math.min(index, majorityIndex(outgoing, acknowledged));
}

/** Won when both sets say so, lost as soon as either has lost. */
export function jointVote(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  votes: ReadonlyMap<MemberId, boolean>,
): VoteResult {
  const a = majorityVote(incoming, votes);
  const b = majorityVote(outgoing, votes);
  if (a === b) return a;
  return a === 'lost' || b === 'lost' ? 'lost' : 'pending';
}
