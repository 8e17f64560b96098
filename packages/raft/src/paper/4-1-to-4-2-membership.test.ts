import { describe, expect, it } from 'vitest';
import { encodeConfChange } from '../confchange/codec.ts';
import { majority } from '../quorum/majority.ts';
import { LoneGroup } from '../testing/lone-group.ts';
import { entryOf, LoneMember } from '../testing/lone-member.ts';
import { type ConfChange, type ConfChangeType, type Entry, noBytes } from '../types.ts';

/*
 * Raft dissertation §4.1 and §4.2: one member at a time. As in etcd, and not as in the dissertation, a change takes
 * effect when it is applied, not when it is appended. How many rounds a new server is given to catch up before it is
 * turned into a voter (§4.2.1) is for the application, which sees how far it is.
 */

const a = Uint8Array.of(97);

function change(type: ConfChangeType, nodeId: bigint): ConfChange {
  return { id: 0n, type, nodeId, context: noBytes };
}

function changeEntry(term: number, index: number, wanted: ConfChange): Entry {
  return { ...entryOf(term, index, encodeConfChange(wanted)), type: 'confChange' };
}

const lastEntries = ({ storage }: LoneMember, count: number): Entry[] => {
  const end = storage.lastIndex() + 1;
  return storage.entries(end - count, end, Number.POSITIVE_INFINITY);
};

describe('§4.1 safety of membership changes', () => {
  it('figure 4.3: any majorities before and after a change of one member have a member in common', () => {
    for (let count = 1; count < 12; count++) {
      for (const next of [count + 1, count - 1]) {
        if (next === 0) continue;
        // Both are among the members of the larger one.
        expect(majority(count) + majority(next)).toBeGreaterThan(Math.max(count, next));
      }
      const withTwoMore = majority(count) + majority(count + 2) > count + 2;
      expect(withTwoMore).toBe(count % 2 === 0);
    }
  });

  it('a membership is an entry of the log, replicated as any other', () => {
    const member = new LoneMember().lead();
    member.node.proposeConfChange(change('addNode', 4n));
    member.work();
    expect(member.take('MsgApp')).toMatchObject([
      { to: 2n, index: 1, entries: [{ index: 2, type: 'confChange' }] },
    ]);
  });

  it('it takes effect when it is applied', () => {
    const member = new LoneMember({ appliesChanges: true }).lead();
    member.node.proposeConfChange(change('addNode', 4n));
    member.work();
    expect(member.node.status().conf.voters).toEqual([1n, 2n, 3n]);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.status().conf.voters).toEqual([1n, 2n, 3n, 4n]);
  });

  it('from then on the new majority decides', () => {
    const member = new LoneMember({ appliesChanges: true }).lead();
    member.node.proposeConfChange(change('addNode', 4n));
    member.work();
    member.get('MsgAppResp', 2n, { index: 2 });
    member.node.propose([a]);
    member.work();
    member.get('MsgAppResp', 2n, { index: 3 });
    expect(member.node.committed).toBe(2);
    member.get('MsgAppResp', 4n, { index: 3 });
    expect(member.node.committed).toBe(3);
  });

  it('another change waits until the one before is applied', () => {
    const member = new LoneMember({ appliesChanges: true }).lead();
    member.node.proposeConfChange(change('addNode', 4n));
    member.node.proposeConfChange(change('addNode', 5n));
    member.work();
    expect(lastEntries(member, 2).map((e) => e.type)).toEqual(['confChange', 'normal']);
    member.get('MsgAppResp', 2n, { index: 3 });
    member.node.proposeConfChange(change('addNode', 5n));
    member.work();
    expect(lastEntries(member, 1).map((e) => e.type)).toEqual(['confChange']);
  });

  it('a new leader changes nothing before it has applied an entry of its own term', () => {
    const member = new LoneMember({ term: 1, terms: [1, 1] }).lead(false);
    member.node.proposeConfChange(change('addNode', 4n));
    member.work();
    expect(lastEntries(member, 1)).toMatchObject([{ type: 'normal', data: noBytes }]);
    member.get('MsgAppResp', 2n, { index: 4 });
    member.node.proposeConfChange(change('addNode', 4n));
    member.work();
    expect(lastEntries(member, 1)).toMatchObject([{ type: 'confChange' }]);
  });

  it('a change that is overwritten by another leader has never been in effect', () => {
    const member = new LoneMember({ term: 1, appliesChanges: true });
    member.get('MsgApp', 2n, { entries: [changeEntry(1, 1, change('addNode', 4n))] });
    expect(member.node.status().conf.voters).toEqual([1n, 2n, 3n]);
    member.get('MsgApp', 3n, { term: 2, entries: [entryOf(2, 1)], commit: 1 });
    expect(member.node.status().conf.voters).toEqual([1n, 2n, 3n]);
  });

  it('a member takes entries from a leader that it knows nothing of', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgApp', 9n, { entries: [entryOf(1, 1)], commit: 1 });
    expect(member.take()).toMatchObject([{ type: 'MsgAppResp', to: 9n, index: 1, reject: false }]);
    expect(member.node.leader).toBe(9n);
  });

  it('a member votes for a candidate that it knows nothing of', () => {
    for (const start of [{}, { voters: [2n, 3n], learners: [1n] }, { voters: [] }]) {
      const member = new LoneMember({ term: 1, ...start });
      member.get('MsgVote', 9n, { term: 2 });
      expect(member.take()).toMatchObject([{ type: 'MsgVoteResp', to: 9n, reject: false }]);
    }
  });
});

describe('§4.2.1 catching up new servers', () => {
  it('a learner gets the log but does not count: not for commits, not for elections', () => {
    const member = new LoneMember({ voters: [1n, 2n], learners: [3n] }).lead();
    member.node.propose([a]);
    member.work();
    member.get('MsgAppResp', 3n, { index: 2 });
    expect(member.node.committed).toBe(1);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(2);
    const candidate = new LoneMember({ voters: [1n, 2n], learners: [3n] });
    candidate.node.campaign();
    candidate.work();
    expect(candidate.take('MsgVote').map((m) => m.to)).toEqual([2n]);
    candidate.get('MsgVoteResp', 3n);
    expect(candidate.node.role).toBe('candidate');
  });

  it('a learner does not campaign', () => {
    const learner = new LoneMember({ voters: [2n, 3n], learners: [1n] });
    learner.tick(50);
    learner.node.campaign();
    expect(learner.node.role).toBe('follower');
  });

  it('a new member gets the log from the first entry on', () => {
    const member = new LoneMember({ voters: [1n, 2n] }).lead();
    member.node.applyConfChange(change('addLearnerNode', 3n));
    member.node.propose([a]);
    member.work();
    expect(member.take('MsgApp').filter((m) => m.to === 3n)).toMatchObject([{ index: 0 }]);
    member.get('MsgAppResp', 3n, { index: 1 });
    expect(member.take('MsgApp').filter((m) => m.to === 3n)).toMatchObject([
      { index: 1, entries: [{ index: 2 }] },
    ]);
  });

  it('that its log is empty takes one refusal to find out, not one per entry', () => {
    const terms = new Array<number>(100).fill(1);
    const member = new LoneMember({ voters: [1n, 2n], term: 1, terms }).lead();
    member.node.applyConfChange(change('addLearnerNode', 3n));
    member.node.propose([a]);
    member.work();
    const [probe] = member.take('MsgApp').filter((m) => m.to === 3n);
    member.get('MsgAppResp', 3n, { index: probe?.index ?? 0, reject: true, rejectHint: 0 });
    expect(member.take('MsgApp')).toMatchObject([{ to: 3n, index: 0, logTerm: 0 }]);
  });

  it('the leader tells how far a learner is, and a caught-up one counts once it is a voter', () => {
    const group = new LoneGroup([1n, 2n, 3n], { voters: [1n, 2n], learners: [3n] });
    const leader = group.campaign(1n);
    leader.node.propose([a]);
    group.settle();
    expect(leader.node.status().progress.get(3n)).toMatchObject({ match: 2, isLearner: true });
    leader.node.proposeConfChange(change('addNode', 3n));
    group.settle();
    group.stop(2n);
    leader.node.propose([a]);
    group.settle();
    expect(leader.node.committed).toBe(4);
  });
});

describe('§4.2.2 removing the current leader', () => {
  it('a leader that is removed leads until the change is committed, then steps down', () => {
    const member = new LoneMember({ appliesChanges: true }).lead();
    member.node.proposeConfChange(change('removeNode', 1n));
    member.work();
    member.node.propose([a]);
    member.work();
    expect(member.node.role).toBe('leader');
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.role).toBe('follower');
    expect(() => member.node.propose([a])).toThrow(
      expect.objectContaining({ code: 'proposalDropped' }),
    );
  });

  it('it campaigns no more, and the others elect one of them', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    leader.node.proposeConfChange(change('removeNode', 1n));
    group.settle();
    leader.tick(100);
    leader.node.campaign();
    expect([leader.node.role, leader.node.term]).toEqual(['follower', 1]);
    const next = group.elect();
    expect(next.id).not.toBe(1n);
    expect(next.node.status().conf.voters).toEqual([2n, 3n]);
  });

  it('a leader that becomes a learner steps down as well', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    leader.node.proposeConfChange(change('addLearnerNode', 1n));
    group.settle();
    expect(leader.node.role).toBe('follower');
    const next = group.elect();
    expect(next.node.status().conf).toMatchObject({ voters: [2n, 3n], learners: [1n] });
    expect(leader.node.leader).toBe(next.id);
  });
});

describe('§4.2.3 disruptive servers', () => {
  it('who has heard from a leader within the minimum election timeout listens to no candidate', () => {
    const request = { term: 9, index: 9, logTerm: 9 };
    for (const type of ['MsgVote', 'MsgPreVote'] as const) {
      const member = new LoneMember({ term: 1, checkQuorum: true });
      member.get('MsgHeartbeat', 2n);
      member.tick(9);
      member.take();
      member.get(type, 3n, request);
      expect(member.take()).toEqual([]);
      expect(member.node.term).toBe(1);
    }
  });

  it('a leader listens to none while it hears from a quorum', () => {
    const member = new LoneMember({ checkQuorum: true }).lead();
    member.get('MsgVote', 3n, { term: 9, index: 9, logTerm: 9 });
    expect(member.node.role).toBe('leader');
  });

  it('who has heard from none for that long does', () => {
    const member = new LoneMember({ term: 1, checkQuorum: true, random: () => 0.5 });
    member.get('MsgHeartbeat', 2n);
    member.tick(10);
    member.take();
    member.get('MsgVote', 3n, { term: 9, index: 9, logTerm: 9 });
    expect(member.take()).toMatchObject([{ type: 'MsgVoteResp', term: 9, reject: false }]);
  });

  it('a candidate that the leader has asked to campaign is listened to all the same', () => {
    const target = new LoneMember({ id: 3n, term: 1, checkQuorum: true });
    target.get('MsgTimeoutNow', 2n);
    const request = target.take('MsgVote').find((m) => m.to === 1n);
    const member = new LoneMember({ term: 1, checkQuorum: true });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.get('MsgVote', 3n, request);
    expect(member.take()).toMatchObject([{ type: 'MsgVoteResp', to: 3n, term: 2, reject: false }]);
  });

  it('a member that does not know it is removed disturbs nobody, whatever its log', () => {
    for (const preVote of [false, true]) {
      const group = new LoneGroup([1n, 2n, 3n, 4n], { checkQuorum: true, preVote });
      const leader = group.campaign(1n);
      group.settle();
      // Figure 4.7: its log is as good as theirs, for nothing was appended since.
      group.isolate(4n);
      leader.node.proposeConfChange(change('removeNode', 4n));
      group.tick(30);
      group.heal();
      group.tick(100);
      expect(group.leaders.map(({ id }) => id)).toEqual(preVote ? [1n] : []);
      expect([leader.node.role, leader.node.term]).toEqual(['leader', 1]);
    }
  });
});

describe('§4.2.4 availability argument', () => {
  it('proposals are taken and committed while a change is under way', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n], { voters: [1n, 2n, 3n] });
    const leader = group.campaign(1n);
    group.loses = ({ to }) => to !== 1n;
    leader.node.proposeConfChange(change('addNode', 4n));
    for (let i = 0; i < 5; i++) leader.node.propose([a]);
    group.settle();
    group.heal();
    group.tick(2);
    expect(leader.node.committed).toBe(7);
    expect(leader.node.status().conf.voters).toEqual([1n, 2n, 3n, 4n]);
  });

  it('however far a change has come when the leader is lost, the others elect a leader that completes it', () => {
    const changes = [change('addNode', 5n), change('removeNode', 4n), change('removeNode', 1n)];
    for (const wanted of changes) {
      for (let heard = 0; heard < 8; heard++) {
        const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { voters: [1n, 2n, 3n, 4n] });
        const leader = group.campaign(1n);
        group.settle();
        // Of 2, 3 and 4 these hear of it, and the leader may hear that they did.
        group.loses = ({ to }) => to !== 1n && Math.floor(heard / 2 ** (Number(to) - 2)) % 2 === 0;
        leader.node.proposeConfChange(wanted);
        group.settle();
        group.stop(1n);
        group.heal();
        const next = group.elect();
        next.node.propose([a]);
        group.tick(2);
        expect(next.applied.at(-1)?.data).toEqual(a);
        const { voters } = next.node.status().conf;
        const others = group.members.filter(({ id }) => voters.includes(id));
        for (const other of others) expect(other.node.status().conf.voters).toEqual(voters);
        expect(others.map(({ applied }) => applied.length)).toEqual(
          others.map(() => next.node.committed),
        );
      }
    }
  });
});
