import type { MemberId } from '../types.ts';

/** Where an election stands: it can be decided before everybody has answered. */
export type VoteResult = 'pending' | 'lost' | 'won';

/** More than half of `count`. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * The highest index that a majority of `voters` has acknowledged, where `acknowledged(voter)` is 0 for none.
 * Nobody's majority is unlimited: an empty half of a joint membership must not hold the other one back.
 *
 *     voters      1  2  3  4  5
 *     has up to   9  5  7  2  7   → sorted 9 7 [7] 5 2 → 7 is on three of five
 */
export function majorityIndex(
  voters: readonly MemberId[],
  acknowledged: (voter: MemberId) => number,
): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  if (voters.length === 1) return acknowledged(voters[0] as MemberId);
  // Sorted as they come, highest first: cheaper than a general sort for a handful of voters.
  const indexes: number[] = [];
  for (const voter of voters) {
    const index = acknowledged(voter);
    let at = indexes.length;
    while (at > 0 && (indexes[at - 1] as number) < index) {
      indexes[at] = indexes[at - 1] as number;
      at--;
    }
    indexes[at] = index;
  }
  return indexes[majority(voters.length) - 1] as number;
}

/** Whether a majority of `voters` said yes, or can't any more. Nobody's vote counts as won, as above. */
export function majorityVote(
  voters: readonly MemberId[],
  votes: ReadonlyMap<MemberId, boolean>,
): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}
