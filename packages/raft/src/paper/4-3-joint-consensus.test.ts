import { describe, expect, it } from 'vitest';
import { enterJoint } from '../confchange/changer.ts';
import { jointVote } from '../quorum/joint.ts';
import { majorityVote } from '../quorum/majority.ts';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember } from '../testing/lone-member.ts';
import { type ConfChangeV2, emptyConfState, type MemberId, noBytes } from '../types.ts';

/* Raft dissertation §4.3. */

const context = Uint8Array.of(42);

function replace(
  removed: readonly MemberId[],
  added: readonly MemberId[],
  transition: ConfChangeV2['transition'] = 'jointExplicit',
): ConfChangeV2 {
  const changes = [
    ...added.map((nodeId) => ({ type: 'addNode' as const, nodeId })),
    ...removed.map((nodeId) => ({ type: 'removeNode' as const, nodeId })),
  ];
  return { transition, changes, context: noBytes };
}

const joint = replace([2n], [4n, 5n]);
const leave: ConfChangeV2 = { transition: 'auto', changes: [], context: noBytes };

describe('§4.3 joint consensus: the rules', () => {
  it('entries are sent to the members of both memberships', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange(joint);
    member.take();
    member.tick();
    expect(member.take('MsgHeartbeat').map((m) => m.to)).toEqual([2n, 3n, 4n, 5n]);
    for (const id of [2n, 3n, 4n, 5n]) member.get('MsgAppResp', id, { index: 1 });
    member.take();
    member.node.propose([context]);
    member.work();
    expect(member.take('MsgApp').map((m) => m.to)).toEqual([2n, 3n, 4n, 5n]);
  });

  it('a member of either one may lead', () => {
    for (const id of [1n, 2n, 3n, 4n, 5n]) {
      const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n] });
      for (const { node } of group.members) node.applyConfChange(joint);
      expect(group.campaign(id).node.role).toBe('leader');
    }
  });

  it('an entry needs majorities of the old and of the new voters', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange(joint);
    member.node.propose([context]);
    member.work();
    for (const id of [4n, 5n]) member.get('MsgAppResp', id, { index: 2 });
    expect(member.node.committed).toBe(1);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(2);
  });

  it('an election needs majorities of the old and of the new voters', () => {
    const member = new LoneMember();
    member.node.applyConfChange(joint);
    member.node.campaign();
    member.work();
    for (const id of [4n, 5n]) member.get('MsgVoteResp', id);
    expect(member.node.role).toBe('candidate');
    member.get('MsgVoteResp', 2n);
    expect(member.node.role).toBe('leader');
  });

  it('a read needs both majorities as well', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange(joint);
    member.node.readIndex(context);
    member.work();
    const round = member.take('MsgHeartbeat')[0]?.context ?? context;
    for (const id of [4n, 5n]) member.get('MsgHeartbeatResp', id, { context: round });
    expect(member.reads).toEqual([]);
    member.get('MsgHeartbeatResp', 3n, { context: round });
    expect(member.reads).toHaveLength(1);
  });

  it('so does a leader that checks whether it still has a quorum', () => {
    const member = new LoneMember({ checkQuorum: true }).lead();
    member.node.applyConfChange(joint);
    const ticks = (...active: bigint[]): string => {
      for (const id of active) member.get('MsgHeartbeatResp', id);
      member.tick(10);
      return member.node.role;
    };
    expect(ticks(2n, 4n)).toBe('leader');
    expect(ticks(3n, 4n)).toBe('leader');
    expect(ticks(4n, 5n)).toBe('follower');
  });

  it('at no time can the old and the new majority decide on their own, each for itself', () => {
    const old = [1n, 2n, 3n];
    for (const next of [[4n, 5n, 6n], [1n, 4n, 5n], [1n], [1n, 2n, 3n, 4n, 5n, 6n]]) {
      for (let set = 0; set < 64; set++) {
        const yes = new Map([1n, 2n, 3n, 4n, 5n, 6n].map((id, i) => [id, (set & (1 << i)) !== 0]));
        const no = new Map([...yes].map(([id, is]) => [id, !is]));
        // Whoever wins while both count leaves no majority of either to anybody else.
        if (jointVote(next, old, yes) !== 'won') continue;
        expect(majorityVote(old, no)).toBe('lost');
        expect(majorityVote(next, no)).toBe('lost');
        expect(jointVote(next, old, no)).toBe('lost');
      }
    }
  });
});

describe('§4.3 joint consensus: the way of a change', () => {
  it('several changes at once go through a joint membership, never directly', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    leader.node.proposeConfChange(replace([], [4n, 5n], 'jointExplicit'));
    group.settle();
    expect(leader.node.status().conf).toMatchObject({
      voters: [1n, 2n, 3n, 4n, 5n],
      votersOutgoing: [1n, 2n, 3n],
    });
  });

  it('the second step is an entry too; after it the old membership is history', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    leader.node.proposeConfChange(joint);
    group.settle();
    leader.node.proposeConfChange(leave);
    group.settle();
    const types = leader.applied.map((e) => e.type);
    expect(types).toEqual(['normal', 'confChangeV2', 'confChangeV2']);
    expect(leader.node.status().conf).toMatchObject({
      voters: [1n, 3n, 4n, 5n],
      votersOutgoing: [],
    });
    group.stop(2n);
    leader.node.propose([context]);
    group.settle();
    expect(leader.node.committed).toBe(4);
  });

  it('the leader takes the second step by itself where it is asked to', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    leader.node.proposeConfChange(replace([2n], [4n, 5n], 'jointImplicit'));
    group.settle();
    for (const id of [1n, 3n, 4n, 5n]) {
      expect(group.at(id).node.status().conf).toMatchObject({
        voters: [1n, 3n, 4n, 5n],
        votersOutgoing: [],
      });
    }
  });

  it('a leader that finds a joint membership takes the second step for its predecessor', () => {
    const conf = enterJoint({ ...emptyConfState, voters: [1n, 2n, 3n] }, true, [
      { type: 'addNode', nodeId: 4n },
    ]);
    const member = new LoneMember({ term: 1, terms: [1], commit: 1, applied: 1 });
    member.storage.setConfState(conf);
    const leader = member.restarted({ appliesChanges: true }).lead(false);
    leader.get('MsgVoteResp', 3n);
    for (const id of [2n, 3n]) leader.get('MsgAppResp', id, { index: 2 });
    expect(leader.terms).toEqual([1, 2, 2]);
    for (const id of [2n, 3n]) leader.get('MsgAppResp', id, { index: 3 });
    expect(leader.node.status().conf).toMatchObject({
      voters: [1n, 2n, 3n, 4n],
      votersOutgoing: [],
    });
  });

  it('another change has to wait until the joint membership is left', () => {
    const member = new LoneMember({ term: 1 }).lead();
    member.node.applyConfChange(joint);
    member.node.proposeConfChange(replace([3n], []));
    member.work();
    const last = member.storage.lastIndex();
    expect(member.storage.entries(last, last + 1, 1_000)).toMatchObject([{ type: 'normal' }]);
  });

  it('proposals are taken and committed all the while', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    const steps = [() => {}, () => leader.node.proposeConfChange(joint)];
    for (const step of [...steps, () => leader.node.proposeConfChange(leave)]) {
      step();
      leader.node.propose([context]);
      group.settle();
      expect(leader.applied.at(-1)?.data).toEqual(context);
    }
  });

  it('all members may be replaced at once, the leader among them, which steps down at the end', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n, 6n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    leader.node.propose([context]);
    leader.node.proposeConfChange(replace([1n, 2n, 3n], [4n, 5n, 6n]));
    group.settle();
    // It leads, though it has no vote any more among the new ones.
    expect(leader.node.role).toBe('leader');
    leader.node.propose([context]);
    group.loses = ({ to }) => to > 3n;
    group.settle();
    const before = leader.node.committed;
    group.heal();
    group.tick(2);
    expect(leader.node.committed).toBe(before + 1);
    leader.node.proposeConfChange(leave);
    group.settle();
    expect(leader.node.role).toBe('follower');
    for (const id of [1n, 2n, 3n]) group.stop(id);
    const next = group.elect();
    expect(next.id).toBeGreaterThan(3n);
    next.node.propose([context]);
    group.settle();
    expect(next.applied.filter((e) => e.data.length === 1)).toHaveLength(3);
  });

  it('a learner that is added, and a voter that is demoted, have no vote in the new half', () => {
    const conf = enterJoint({ ...emptyConfState, voters: [1n, 2n, 3n] }, true, [
      { type: 'addLearnerNode', nodeId: 3n },
      { type: 'addLearnerNode', nodeId: 4n },
    ]);
    const member = new LoneMember();
    member.storage.setConfState(conf);
    const candidate = member.restarted();
    candidate.node.campaign();
    candidate.work();
    expect(candidate.take('MsgVote').map((m) => m.to)).toEqual([2n, 3n]);
    candidate.get('MsgVoteResp', 3n);
    expect(candidate.node.role).toBe('candidate');
    candidate.get('MsgVoteResp', 2n);
    expect(candidate.node.role).toBe('leader');
  });
});
