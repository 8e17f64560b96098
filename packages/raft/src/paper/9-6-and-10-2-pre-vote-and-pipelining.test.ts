import { describe, expect, it } from 'vitest';
import { mustPersistFirst } from '../ready.ts';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember } from '../testing/lone-member.ts';
import { newMessage } from '../types.ts';

/* What this package does of the Raft dissertation's chapters 9 and 10: §9.6 and §10.2. */

describe('§9.6 preventing disruptions when a server rejoins the cluster', () => {
  it('asking beforehand changes nobody’s term or vote', () => {
    const asking = new LoneMember({ term: 1, preVote: true });
    asking.tick(10);
    expect(asking.take().map((m) => [m.type, m.term])).toEqual([
      ['MsgPreVote', 2],
      ['MsgPreVote', 2],
    ]);
    expect(asking.node.status().hardState).toMatchObject({ term: 1, vote: 0n });
    const asked = new LoneMember({ term: 1 });
    asked.get('MsgPreVote', 2n, { term: 2 });
    expect(asked.take()).toMatchObject([{ type: 'MsgPreVoteResp', reject: false, term: 2 }]);
    expect(asked.node.status().hardState).toMatchObject({ term: 1, vote: 0n });
  });

  it('a pre-candidate with a majority becomes a candidate', () => {
    const member = new LoneMember({ term: 1, preVote: true });
    member.tick(10);
    member.get('MsgPreVoteResp', 2n, { term: 2 });
    expect(member.node.status()).toMatchObject({
      softState: { role: 'candidate' },
      hardState: { term: 2 },
    });
  });

  it('a pre-vote is refused for a log that is behind', () => {
    const asked = new LoneMember({ term: 1, terms: [1] });
    asked.get('MsgPreVote', 2n, { term: 2 });
    expect(asked.take()).toMatchObject([{ type: 'MsgPreVoteResp', reject: true, term: 1 }]);
  });

  it('a member that is cut off keeps its term, and joins again without an election', () => {
    for (const preVote of [true, false]) {
      const group = new LoneGroup([1n, 2n, 3n], { preVote, checkQuorum: true });
      const leader = group.campaign(1n);
      group.isolate(3n);
      group.tick(100);
      expect(group.at(3n).node.term > 1).toBe(!preVote);
      group.heal();
      group.tick(100);
      expect(leader.node.term > 1).toBe(!preVote);
      expect(leader.node.role === 'leader' && leader.node.term === 1).toBe(preVote);
    }
  });
});

describe('§10.2 pipelining', () => {
  it('§10.2.1: a leader sends entries while its own disk is still writing them', () => {
    const member = new LoneMember().lead();
    member.node.propose([Uint8Array.of(1)]);
    const ready = member.node.ready();
    expect(ready.mustSync).toBe(true);
    const appends = ready.messages.filter((m) => m.type === 'MsgApp');
    expect(appends.map(mustPersistFirst)).toEqual([false]);
    member.storage.append(ready.entries);
    member.node.advance();
  });

  it('§10.2.1: it may even commit what its own disk does not have, if enough others do', () => {
    const member = new LoneMember({ voters: [1n, 2n, 3n, 4n, 5n] }).lead(false);
    member.get('MsgVoteResp', 3n);
    for (const id of [2n, 3n]) member.get('MsgAppResp', id, { index: 1 });
    member.node.propose([Uint8Array.of(1)]);
    const ready = member.node.ready();
    for (const from of [2n, 3n, 4n]) {
      member.node.step({ ...answer(from), term: 1, index: 2 });
    }
    expect(member.node.committed).toBe(2);
    member.storage.append(ready.entries);
    member.node.advance();
    member.work();
    expect(member.applied.map((e) => e.index)).toEqual([1, 2]);
  });

  it('§10.2.2: it sends the next entries before the ones before are acknowledged', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 3; i++) {
      member.node.propose([Uint8Array.of(i)]);
      member.work();
    }
    const sent = member.take('MsgApp').filter((m) => m.to === 2n);
    expect(sent.map((m) => [m.index, m.entries.length])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('§10.2.2: a message that got lost on the way is noticed by the next one, and sent again', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 3; i++) {
      member.node.propose([Uint8Array.of(i)]);
      member.work();
    }
    member.take();
    // The first of the three is lost: the second does not fit.
    member.get('MsgAppResp', 2n, { index: 2, reject: true, rejectHint: 1, logTerm: 1 });
    const [again] = member.take('MsgApp');
    expect(again?.entries.map((e) => e.index)).toEqual([2, 3, 4]);
  });
});

function answer(from: bigint) {
  return { ...newMessage('MsgAppResp', 1n), from };
}
