import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberId } from '../types.ts';
import { jointIndex, jointVote } from './joint.ts';
import { majorityIndex, majorityVote } from './majority.ts';

const voters = fc.uniqueArray(fc.bigInt({ min: 1n, max: 9n }), { maxLength: 7 });
const acknowledged = fc
  .array(fc.nat({ max: 12 }), { minLength: 10, maxLength: 10 })
  .map((indexes) => (id: MemberId) => indexes[Number(id)] ?? 0);
const votes = fc
  .array(fc.option(fc.boolean(), { nil: undefined }), { minLength: 10, maxLength: 10 })
  .map((answers) => {
    const known = new Map<MemberId, boolean>();
    for (const [id, answer] of answers.entries()) {
      if (answer !== undefined) known.set(BigInt(id), answer);
    }
    return known;
  });

/** By definition: the highest index that more than half of the voters have reached. */
function naiveIndex(ids: readonly MemberId[], index: (id: MemberId) => number): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  for (let candidate = 12; candidate > 0; candidate--) {
    if (2 * ids.filter((id) => index(id) >= candidate).length > ids.length) return candidate;
  }
  return 0;
}

/** By definition: decided if every way in which the missing votes could go has the same outcome. */
function naiveVote(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  known: ReadonlyMap<MemberId, boolean>,
): string {
  const wins = (all: ReadonlyMap<MemberId, boolean>): boolean =>
    [incoming, outgoing].every(
      (ids) => ids.length === 0 || 2 * ids.filter((id) => all.get(id)).length > ids.length,
    );
  const everybody = [...incoming, ...outgoing];
  const best = new Map(everybody.map((id) => [id, known.get(id) ?? true]));
  const worst = new Map(everybody.map((id) => [id, known.get(id) ?? false]));
  if (wins(worst)) return 'won';
  return wins(best) ? 'pending' : 'lost';
}

describe('a quorum', () => {
  it('has an index exactly when more than half of each set of voters has it', () => {
    fc.assert(
      fc.property(voters, voters, acknowledged, (incoming, outgoing, index) => {
        expect(majorityIndex(incoming, index)).toBe(naiveIndex(incoming, index));
        const both = Math.min(naiveIndex(incoming, index), naiveIndex(outgoing, index));
        expect(jointIndex(incoming, outgoing, index)).toBe(both);
      }),
    );
  });

  it('decides an election exactly when the missing votes do not matter', () => {
    fc.assert(
      fc.property(voters, voters, votes, (incoming, outgoing, known) => {
        expect(majorityVote(incoming, known)).toBe(naiveVote(incoming, [], known));
        expect(jointVote(incoming, outgoing, known)).toBe(naiveVote(incoming, outgoing, known));
      }),
    );
  });

  it('gives the same index for a joint membership of equal halves as for one of them', () => {
    fc.assert(
      fc.property(voters, acknowledged, (ids, index) => {
        expect(jointIndex(ids, ids, index)).toBe(majorityIndex(ids, index));
      }),
    );
  });
});
