import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember } from '../testing/lone-member.ts';

/* Raft dissertation §3.10. */

const a = Uint8Array.of(97);

describe('§3.10 leadership transfer', () => {
  it('the leader takes no proposals meanwhile', () => {
    const member = new LoneMember().lead();
    member.node.transferLeader(3n);
    member.work();
    expect(() => member.node.propose([a])).toThrow('being transferred');
  });

  it('it brings the other’s log up to its own before it tells it to campaign', () => {
    const member = new LoneMember().lead();
    member.node.propose([a]);
    member.work();
    member.node.transferLeader(3n);
    member.work();
    expect(member.take('MsgTimeoutNow')).toEqual([]);
    member.get('MsgAppResp', 3n, { index: 1 });
    expect(member.take('MsgTimeoutNow')).toEqual([]);
    member.get('MsgAppResp', 3n, { index: 2 });
    expect(member.take('MsgTimeoutNow')).toMatchObject([{ to: 3n }]);
  });

  it('a member with the whole log is told at once', () => {
    const member = new LoneMember().lead();
    member.node.transferLeader(2n);
    member.work();
    expect(member.take('MsgTimeoutNow')).toMatchObject([{ to: 2n }]);
  });

  it('a member told to campaign does so at once, as if its timeout were over, without asking beforehand', () => {
    const member = new LoneMember({ term: 1, preVote: true, checkQuorum: true });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.get('MsgTimeoutNow', 2n);
    expect(member.node.status()).toMatchObject({
      hardState: { term: 2, vote: 1n },
      softState: { role: 'candidate' },
    });
    expect(member.take('MsgVote').map((m) => m.to)).toEqual([2n, 3n]);
  });

  it('the old leader steps down when it hears of the new term, and the new one has everything', () => {
    const group = new LoneGroup([1n, 2n, 3n], { preVote: true, checkQuorum: true });
    const leader = group.campaign(1n);
    leader.node.propose([a]);
    leader.node.transferLeader(3n);
    group.settle();
    expect(group.leaders.map(({ id }) => id)).toEqual([3n]);
    expect(leader.node.status()).toMatchObject({
      hardState: { term: 2 },
      softState: { role: 'follower', leader: 3n },
    });
    expect(group.at(3n).applied.map((e) => e.term)).toEqual([1, 1, 2]);
  });

  it('a transfer that takes an election timeout is given up, and proposals are taken again', () => {
    const member = new LoneMember().lead();
    member.node.transferLeader(3n);
    member.tick(9);
    expect(() => member.node.propose([a])).toThrow('being transferred');
    member.tick();
    expect(() => member.node.propose([a])).not.toThrow();
  });

  it('if the other acts after all, that costs an election and nothing else', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    leader.node.transferLeader(3n);
    // It hears of it, but nobody hears of it until the transfer has been given up.
    group.loses = ({ from }) => from === 3n;
    group.tick(10);
    leader.node.propose([a]);
    group.settle();
    expect(leader.node.committed).toBe(2);
    group.heal();
    group.tick(60);
    expect(group.leaders).toHaveLength(1);
    for (const member of group.members) {
      expect(member.applied.filter((e) => e.data.length > 0).map((e) => e.index)).toEqual([2]);
    }
  });

  it('nobody is made leader who may not lead', () => {
    const member = new LoneMember({ voters: [1n, 2n], learners: [3n] }).lead();
    for (const id of [3n, 9n, 1n]) {
      member.node.transferLeader(id);
      member.work();
      expect(member.node.status().transferee).toBe(0n);
    }
    expect(member.take('MsgTimeoutNow')).toEqual([]);
  });
});
