import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { entryOf, LoneMember } from '../testing/lone-member.ts';
import type { Message } from '../types.ts';

/* Raft dissertation §3.5. */

const five = [1n, 2n, 3n, 4n, 5n];
const a = Uint8Array.of(97);
const indexes = (member: LoneMember) => member.applied.map((e) => e.index);

describe('§3.5 log replication: the way of a command', () => {
  it('a leader appends it with its term and the next index, and sends it to all others', () => {
    const member = new LoneMember({ term: 4, terms: [1, 4] }).lead();
    member.get('MsgAppResp', 3n, { index: 3 });
    member.take();
    member.node.propose([a]);
    member.work();
    expect(member.terms).toEqual([1, 4, 5, 5]);
    const sent = { index: 3, logTerm: 5, entries: [{ term: 5, index: 4, data: a }] };
    expect(member.take('MsgApp')).toMatchObject([
      { to: 2n, ...sent },
      { to: 3n, ...sent },
    ]);
  });

  it('an entry is committed, and what precedes it, once the leader has it on a majority', () => {
    const member = new LoneMember({ voters: five }).lead(false);
    member.get('MsgVoteResp', 3n);
    member.node.propose([a, a]);
    member.work();
    member.get('MsgAppResp', 2n, { index: 3 });
    expect(indexes(member)).toEqual([]);
    member.get('MsgAppResp', 3n, { index: 2 });
    expect(indexes(member)).toEqual([1, 2]);
    member.get('MsgAppResp', 4n, { index: 3 });
    expect(indexes(member)).toEqual([1, 2, 3]);
  });

  it('with it are committed the entries that earlier leaders have left', () => {
    const member = new LoneMember({ term: 3, terms: [1, 1, 3] }).lead(false);
    expect(indexes(member)).toEqual([]);
    member.get('MsgAppResp', 2n, { index: 4 });
    expect(member.applied.map((e) => e.term)).toEqual([1, 1, 3, 4]);
  });

  it('whoever proposed it learns what became of it when it is applied', () => {
    const member = new LoneMember().lead();
    const context = { waiter: 7 };
    member.node.propose([{ data: a, context }]);
    member.work();
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.applied.at(-1)?.context).toBe(context);
  });

  it('followers learn the commit index from appends and heartbeats, and apply in log order', () => {
    const member = new LoneMember({ term: 1 });
    const entries = [1, 2, 3].map((index) => entryOf(1, index));
    member.get('MsgApp', 2n, { entries, commit: 1 });
    expect(indexes(member)).toEqual([1]);
    member.get('MsgHeartbeat', 2n, { commit: 2 });
    expect(indexes(member)).toEqual([1, 2]);
    member.get('MsgApp', 2n, { index: 3, logTerm: 1, commit: 3 });
    expect(indexes(member)).toEqual([1, 2, 3]);
  });

  it('a leader includes its commit index in what it sends, but in heartbeats nothing the follower lacks', () => {
    const member = new LoneMember().lead();
    member.node.propose([a]);
    member.work();
    member.take();
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.take('MsgApp').map((m) => [m.to, m.commit])).toContainEqual([2n, 2]);
    member.tick();
    expect(member.take('MsgHeartbeat').map((m) => [m.to, m.commit])).toEqual([
      [2n, 2],
      [3n, 0],
    ]);
  });

  it('a follower does not commit beyond what the message proves to be the leader’s', () => {
    const member = new LoneMember({ term: 2, terms: [1, 1, 1] });
    member.get('MsgApp', 2n, { index: 1, logTerm: 1, entries: [entryOf(1, 2)], commit: 3 });
    expect(member.node.committed).toBe(2);
  });

  it('one slow follower does not hold back the others: a majority is enough', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    group.isolate(3n);
    for (let i = 0; i < 20; i++) leader.node.propose([a]);
    group.settle();
    expect(group.members.map((member) => member.applied.length)).toEqual([21, 21, 1]);
  });

  it('a leader goes on sending until everybody has all entries, long after they are applied', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    group.isolate(3n);
    leader.node.propose([a]);
    group.tick(5);
    expect(indexes(leader)).toEqual([1, 2]);
    group.heal();
    group.tick();
    expect(group.at(3n).terms).toEqual([1, 1]);
  });
});

describe('§3.5 log replication: log matching', () => {
  it('a leader creates one entry at an index, and never changes its own log', () => {
    const member = new LoneMember({ term: 1, terms: [1, 1] }).lead();
    expect(member.terms).toEqual([1, 1, 2]);
    for (let i = 0; i < 3; i++) {
      member.node.propose([a]);
      member.work();
    }
    member.get('MsgApp', 2n, { entries: [entryOf(1, 1)] });
    member.get('MsgApp', 2n, { term: 1, entries: [entryOf(9, 1)] });
    expect(member.terms).toEqual([1, 1, 2, 2, 2, 2]);
  });

  it('a follower refuses entries that do not follow its own, and says how far they can agree', () => {
    const member = new LoneMember({ term: 2, terms: [1, 2] });
    const cases: [index: number, logTerm: number, reject: boolean, hint: number][] = [
      [0, 0, false, 0],
      [1, 1, false, 0],
      [2, 2, false, 0],
      [2, 1, true, 1],
      [3, 2, true, 2],
    ];
    for (const [index, logTerm, reject, rejectHint] of cases) {
      member.get('MsgApp', 2n, { index, logTerm });
      expect(member.take()).toMatchObject([{ type: 'MsgAppResp', index, reject, rejectHint }]);
    }
  });

  it('a follower drops what contradicts the leader, and nothing else', () => {
    const cases: [index: number, logTerm: number, sent: number[], result: number[]][] = [
      [2, 2, [3], [1, 2, 3]],
      [1, 1, [3, 4], [1, 3, 4]],
      [0, 0, [1], [1, 2]],
      [0, 0, [3], [3]],
    ];
    for (const [index, logTerm, sent, result] of cases) {
      const member = new LoneMember({ term: 4, terms: [1, 2] });
      const entries = sent.map((term, i) => entryOf(term, index + 1 + i));
      member.get('MsgApp', 2n, { index, logTerm, entries });
      expect(member.terms).toEqual(result);
    }
  });

  // The leader of figure 3.6, and the logs that its followers may have.
  const figure = {
    leader: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };

  it('figure 3.6: a leader makes all other logs equal to its own', () => {
    const logs = [figure.leader, figure.a, figure.b, figure.c, figure.d, figure.e, figure.f];
    const ids = logs.map((_, i) => BigInt(i + 1));
    const group = new LoneGroup(ids, { term: 7 }, (id) => ({ terms: logs[Number(id) - 1] ?? [] }));
    group.campaign(1n);
    expect(group.leaders.map(({ id }) => id)).toEqual([1n]);
    for (const member of group.members) {
      expect(member.terms).toEqual([...figure.leader, 8]);
      expect(member.applied).toHaveLength(11);
    }
  });

  it('a leader begins right behind its own last entry, and moves back as it is refused', () => {
    const member = new LoneMember({ term: 6, terms: figure.leader }).lead(false);
    expect(member.node.status().progress.get(3n)).toMatchObject({ match: 0, next: 11 });
    // As e answers, and a member that can only say no.
    member.get('MsgAppResp', 2n, { index: 10, reject: true, rejectHint: 7, logTerm: 4 });
    expect(member.node.status().progress.get(2n)?.next).toBe(6);
    for (let next = 10; next > 7; next--) {
      member.get('MsgAppResp', 3n, { index: next, reject: true, rejectHint: next - 1 });
      expect(member.node.status().progress.get(3n)?.next).toBe(next);
    }
  });

  it('it takes one refusal for each term that differs, not one for each entry', () => {
    const refusals = (own: number[], other: number[]): number => {
      const start = { term: 7, voters: [1n, 2n, 3n] };
      const group = new LoneGroup(start.voters, start, (id) => ({
        terms: id === 2n ? other : own,
      }));
      let count = 0;
      group.loses = ({ type, reject }) => {
        if (type === 'MsgAppResp' && reject) count++;
        return false;
      };
      group.campaign(1n);
      expect(group.at(2n).terms).toEqual(group.at(1n).terms);
      return count;
    };
    const long = (term: number) => new Array<number>(50).fill(term);
    expect(refusals([1, ...long(4)], [1, ...long(2)])).toBe(1);
    expect(refusals([1, ...long(5)], [1, ...long(2), ...long(3)])).toBe(1);
    expect(refusals([1, ...long(2), ...long(4)], [1, ...long(3), ...long(5)])).toBe(2);
    expect(refusals([1, ...long(4)], [1])).toBe(1);
    expect(refusals([1], [1, ...long(4)])).toBe(0);
  });

  it('until it knows where the logs meet a leader sends one message at a time, then without waiting', () => {
    const member = new LoneMember().lead();
    const sent = (to: bigint): Message[] => member.take('MsgApp').filter((m) => m.to === to);
    const propose = (): void => {
      member.node.propose([a]);
      member.work();
    };
    propose();
    propose();
    expect(sent(3n)).toEqual([]);
    member.get('MsgAppResp', 3n, { index: 1 });
    expect(sent(3n)).toMatchObject([{ index: 1, entries: [{ index: 2 }, { index: 3 }] }]);
    propose();
    propose();
    expect(sent(3n).map((m) => m.entries.map((e) => e.index))).toEqual([[4], [5]]);
  });
});
