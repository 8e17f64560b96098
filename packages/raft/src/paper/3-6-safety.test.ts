import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember } from '../testing/lone-member.ts';

/* Raft dissertation §3.6. */

const five = [1n, 2n, 3n, 4n, 5n];
const a = Uint8Array.of(97);

describe('§3.6.1 election restriction', () => {
  it('a request for votes tells the index and the term of the candidate’s last entry', () => {
    const member = new LoneMember({ term: 3, terms: [1, 1, 3] });
    member.node.campaign();
    member.work();
    expect(member.take('MsgVote')).toMatchObject([
      { to: 2n, index: 3, logTerm: 3 },
      { to: 3n, index: 3, logTerm: 3 },
    ]);
  });

  it('a vote needs a log that is at least as up to date: by its last term, then by its length', () => {
    const cases: [terms: number[], index: number, logTerm: number, granted: boolean][] = [
      [[1], 1, 1, true],
      [[1], 1, 2, true],
      [[1, 1], 1, 2, true],
      [[1], 2, 1, true],
      [[1, 1], 1, 1, false],
      [[2], 1, 1, false],
      [[2], 2, 1, false],
    ];
    for (const [terms, index, logTerm, granted] of cases) {
      const member = new LoneMember({ term: 2, terms });
      member.get('MsgVote', 2n, { term: 3, index, logTerm });
      expect(member.take()).toMatchObject([{ type: 'MsgVoteResp', reject: !granted }]);
    }
  });

  it('leader completeness: whoever lacks a committed entry is elected by nobody’s help', () => {
    // An entry of term 2 is on three of five: every choice of three, every candidate, every set of voters reached.
    for (let holders = 0; holders < 32; holders++) {
      const has = (i: number): boolean => Math.floor(holders / 2 ** i) % 2 === 1;
      if (five.filter((_, i) => has(i)).length !== 3) continue;
      for (const [c, id] of five.entries()) {
        const log = (of: bigint) => ({ terms: has(Number(of) - 1) ? [1, 2] : [1, 1, 1] });
        const group = new LoneGroup(five, { term: 2 }, log);
        expect(group.campaign(id).node.role).toBe(has(c) ? 'leader' : 'follower');
      }
    }
  });

  it('entries flow from leaders to followers only: an elected leader asks nobody for any', () => {
    const group = new LoneGroup([1n, 2n, 3n], { term: 2 }, (id) => ({
      terms: id === 3n ? [1, 1, 2, 2] : [1, 1, 2],
    }));
    const towards: bigint[] = [];
    group.loses = ({ type, to, entries }) => {
      if (type === 'MsgApp' && entries.length > 0) towards.push(to);
      return false;
    };
    expect(group.campaign(1n).node.role).toBe('leader');
    expect(towards).not.toContain(1n);
    expect(group.at(3n).terms).toEqual([1, 1, 2, 3]);
  });
});

describe('§3.6.2 committing entries from previous terms', () => {
  it('figure 3.7: on a majority is not enough, an entry of the leader’s own term must be as well', () => {
    const member = new LoneMember({ term: 2, terms: [1, 2] }).lead(false);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(0);
    member.get('MsgAppResp', 2n, { index: 3 });
    expect(member.node.committed).toBe(3);
  });

  it('figure 3.7: an old entry on a majority may still be overwritten, so nobody has applied it', () => {
    // S1 has spread the entry of term 2 to three of five in term 4; S5 has one of term 3 there.
    const logs = [[1, 2], [1, 2], [1, 2], [1], [1, 3]];
    const group = new LoneGroup(five, { term: 4 }, (id) => ({ terms: logs[Number(id) - 1] ?? [] }));
    expect(group.campaign(5n).node.role).toBe('leader');
    for (const member of group.members) {
      expect(member.terms).toEqual([1, 3, 5]);
      expect(member.applied.map((e) => e.term)).toEqual([1, 3, 5]);
    }
  });

  it('figure 3.7: once one of the own term is on a majority, nobody without it wins', () => {
    const logs = [[1, 2, 4], [1, 2, 4], [1, 2, 4], [1], [1, 3]];
    const group = new LoneGroup(five, { term: 4 }, (id) => ({ terms: logs[Number(id) - 1] ?? [] }));
    expect(group.campaign(5n).node.role).toBe('follower');
    expect(group.campaign(4n).node.role).toBe('follower');
    expect(group.campaign(2n).node.role).toBe('leader');
  });

  it('entries keep their term, whichever leader sends them', () => {
    const member = new LoneMember({ term: 5, terms: [1, 2, 5] }).lead();
    member.get('MsgAppResp', 3n, { index: 3, reject: true });
    expect(member.take('MsgApp')).toMatchObject([
      { to: 3n, index: 0, term: 6, entries: [{ term: 1 }, { term: 2 }, { term: 5 }, { term: 6 }] },
    ]);
  });
});

describe('§3.6.3 safety argument', () => {
  it('who has stored an entry refuses every candidate that lacks it, in all later terms', () => {
    const member = new LoneMember({ voters: five, term: 2, terms: [1] });
    member.get('MsgApp', 2n, { index: 1, logTerm: 1, entries: [{ ...entry, term: 2, index: 2 }] });
    member.take();
    for (let term = 3; term < 10; term++) {
      member.get('MsgVote', 4n, { term, index: 5, logTerm: 1 });
      expect(member.take('MsgVoteResp')).toMatchObject([{ term, reject: true }]);
    }
  });

  it('who has voted in a later term stores nothing from the leader before it', () => {
    const member = new LoneMember({ voters: five, term: 2, terms: [1] });
    member.get('MsgVote', 4n, { term: 3, index: 1, logTerm: 1 });
    const old = { term: 2, index: 1, logTerm: 1, entries: [{ ...entry, term: 2, index: 2 }] };
    member.get('MsgApp', 2n, old);
    expect(member.take('MsgAppResp')).toEqual([]);
    expect(member.terms).toEqual([1]);
  });

  it('state machine safety: leader after leader fails, and all apply the same entries in one order', () => {
    const group = new LoneGroup(five);
    for (let round = 0; round < 20; round++) {
      const id = five[round % 5] as bigint;
      const leader = group.campaign(id);
      if (leader.node.role === 'leader') leader.node.propose([Uint8Array.of(round), a]);
      group.settle();
      // It appends a last one that nobody hears of, and is cut off until another one leads.
      group.isolate(id, five[(round + 2) % 5] as bigint);
      if (leader.node.role === 'leader') leader.node.propose([Uint8Array.of(200 + round)]);
      group.settle();
    }
    group.heal();
    group.tick(100);
    const [first, ...others] = group.members.map(({ applied }) => applied.map(contents));
    expect(first?.length).toBeGreaterThan(20);
    for (const other of others) expect(other).toEqual(first);
  });
});

const entry = { type: 'normal' as const, data: a };

function contents({ term, index, data }: { term: number; index: number; data: Uint8Array }) {
  return [term, index, ...data];
}
