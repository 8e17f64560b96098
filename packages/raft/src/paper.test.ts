import { describe, expect, it } from 'vitest';
import { entryOf, LoneMember, type LoneStart } from './testing/lone-member.ts';
import { Prng } from './testing/prng.ts';
import { newMessage } from './types.ts';

/*
 * What "Consensus: Bridging Theory and Practice" (Ongaro, 2014) says a member does, claim by claim. Member 1 is real;
 * the test plays the others.
 */

const state = (member: LoneMember) => member.node.status();
const five = [1n, 2n, 3n, 4n, 5n];

describe('§3.3 terms', () => {
  it('a member of any role follows a higher term', () => {
    const roles: [string, () => LoneMember][] = [
      ['follower', () => new LoneMember({ term: 1 })],
      ['candidate', () => candidate({ term: 1 })],
      ['leader', () => new LoneMember({ term: 1 }).lead()],
    ];
    for (const [role, start] of roles) {
      const member = start();
      expect(member.node.role).toBe(role);
      member.get('MsgApp', 2n, { term: 7 });
      expect(state(member)).toMatchObject({
        hardState: { term: 7 },
        softState: { role: 'follower', leader: 2n },
      });
    }
  });

  it('a request of an older term changes nothing', () => {
    const member = new LoneMember({ term: 5, terms: [5] });
    member.get('MsgApp', 2n, { term: 4, entries: [entryOf(4, 1)] });
    member.get('MsgVote', 2n, { term: 4, index: 9, logTerm: 4 });
    expect(member.take()).toEqual([]);
    expect(member.terms).toEqual([5]);
    expect(state(member).hardState).toEqual({ term: 5, vote: 0n, commit: 0 });
  });
});

function candidate(start: LoneStart = {}): LoneMember {
  const member = new LoneMember(start);
  member.node.campaign();
  member.work();
  return member;
}

describe('§3.4 leader election', () => {
  it('members start as followers', () => {
    expect(new LoneMember().node.role).toBe('follower');
  });

  it('a leader sends heartbeats to all others every heartbeatTicks', () => {
    const member = new LoneMember({ heartbeatTicks: 3 }).lead();
    member.tick(2);
    expect(member.take()).toEqual([]);
    member.tick();
    expect(member.take('MsgHeartbeat').map((m) => m.to)).toEqual([2n, 3n]);
  });

  it('a follower without a leader raises its term, votes for itself and asks all others', () => {
    const member = new LoneMember({ term: 1 });
    member.tick(9);
    expect(member.node.role).toBe('follower');
    member.tick();
    expect(state(member).hardState).toMatchObject({ term: 2, vote: 1n });
    expect(member.take().map((m) => [m.type, m.to, m.term])).toEqual([
      ['MsgVote', 2n, 2],
      ['MsgVote', 3n, 2],
    ]);
  });

  it('hearing from a leader starts the wait anew', () => {
    const member = new LoneMember({ term: 1 });
    for (let i = 0; i < 5; i++) {
      member.tick(9);
      member.get('MsgHeartbeat', 2n);
    }
    expect(member.node.role).toBe('follower');
  });

  it('votes of a majority make a leader, and no fewer do', () => {
    const cases: [voters: bigint[], granted: bigint[], denied: bigint[], role: string][] = [
      [[1n, 2n, 3n], [2n], [], 'leader'],
      [[1n, 2n, 3n], [], [2n], 'candidate'],
      [[1n, 2n, 3n], [], [2n, 3n], 'follower'],
      [five, [2n], [], 'candidate'],
      [five, [2n, 3n], [4n, 5n], 'leader'],
      [five, [2n], [3n, 4n], 'candidate'],
      [five, [2n], [3n, 4n, 5n], 'follower'],
      [[1n, 2n, 3n, 4n], [2n], [], 'candidate'],
      [[1n, 2n, 3n, 4n], [2n, 3n], [], 'leader'],
    ];
    for (const [voters, granted, denied, role] of cases) {
      const member = candidate({ voters });
      for (const id of granted) member.get('MsgVoteResp', id);
      for (const id of denied) member.get('MsgVoteResp', id, { reject: true });
      expect([member.node.role, voters, granted]).toEqual([role, voters, granted]);
    }
  });

  it('a member that answers twice counts once', () => {
    const member = candidate({ voters: five });
    for (let i = 0; i < 5; i++) member.get('MsgVoteResp', 2n);
    expect(member.node.role).toBe('candidate');
  });

  it('a member votes for one candidate per term, first come, first served', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgVote', 2n, { term: 2 });
    member.get('MsgVote', 3n, { term: 2 });
    member.get('MsgVote', 2n, { term: 2 });
    expect(member.take().map((m) => [m.to, m.reject])).toEqual([
      [2n, false],
      [3n, true],
      [2n, false],
    ]);
  });

  it('a candidate gives way to a leader of its term', () => {
    const member = candidate();
    member.get('MsgApp', 3n);
    expect(state(member).softState).toEqual({ role: 'follower', leader: 3n });
  });

  it('election timeouts are drawn from all of [n, 2n)', () => {
    const random = new Prng(1).next;
    const drawn = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const member = new LoneMember({ random });
      let ticks = 0;
      while (member.node.role === 'follower') {
        member.tick();
        ticks++;
      }
      drawn.add(ticks);
    }
    expect([...drawn].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });
});

describe('§3.5 log replication', () => {
  it('a leader appends a proposal and sends it to all others with the position before it', () => {
    const member = new LoneMember().lead();
    member.get('MsgAppResp', 3n, { index: 1 });
    member.take();
    member.node.propose([Uint8Array.of(7)]);
    member.work();
    expect(member.take('MsgApp')).toMatchObject([
      { to: 2n, index: 1, logTerm: 1, entries: [{ term: 1, index: 2 }] },
      { to: 3n, index: 1, logTerm: 1, entries: [{ term: 1, index: 2 }] },
    ]);
  });

  it('an entry is committed once a majority has it, and is applied in the order of the log', () => {
    const member = new LoneMember({ voters: five }).lead(false);
    expect(member.node.role).toBe('candidate');
    member.get('MsgVoteResp', 3n);
    member.node.propose([Uint8Array.of(1), Uint8Array.of(2)]);
    member.work();
    member.get('MsgAppResp', 2n, { index: 3 });
    expect(member.applied).toEqual([]);
    member.get('MsgAppResp', 3n, { index: 2 });
    expect(member.applied.map((e) => e.index)).toEqual([1, 2]);
    member.get('MsgAppResp', 4n, { index: 3 });
    expect(member.applied.map((e) => e.index)).toEqual([1, 2, 3]);
  });

  it('followers learn the commit index from the next message', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgApp', 2n, { entries: [entryOf(1, 1), entryOf(1, 2)], commit: 1 });
    expect(member.applied.map((e) => e.index)).toEqual([1]);
    member.get('MsgHeartbeat', 2n, { commit: 2 });
    expect(member.applied.map((e) => e.index)).toEqual([1, 2]);
  });

  it('a follower does not commit beyond what the message proves to be the leader’s', () => {
    const member = new LoneMember({ term: 2, terms: [1, 1, 1] });
    member.get('MsgApp', 2n, { index: 1, logTerm: 1, entries: [entryOf(1, 2)], commit: 3 });
    expect(member.node.committed).toBe(2);
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

  it('figure 3.6: a follower drops what contradicts the leader, and nothing else', () => {
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

  it('a leader moves back to where both logs agree, a term at a time', () => {
    const member = new LoneMember({ term: 6, terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6] }).lead(false);
    const reject = { index: 10, reject: true, rejectHint: 9, logTerm: 2 };
    member.get('MsgAppResp', 3n, reject);
    expect(member.take('MsgApp')).toMatchObject([{ to: 3n, index: 3, logTerm: 1 }]);
  });

  it('a leader never changes its own log', () => {
    const member = new LoneMember({ term: 1, terms: [1, 1] }).lead();
    expect(() => member.get('MsgApp', 2n, { entries: [entryOf(1, 1)] })).not.toThrow();
    expect(member.terms).toEqual([1, 1, 2]);
  });
});

describe('§3.6 safety', () => {
  it('§3.6.1: a vote needs a log that is at least as up to date', () => {
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

  it('§3.6.2, figure 3.7: entries of earlier terms are committed only along with one of the own', () => {
    const member = new LoneMember({ term: 2, terms: [1, 2] }).lead(false);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(0);
    member.get('MsgAppResp', 2n, { index: 3 });
    expect(member.node.committed).toBe(3);
  });
});

describe('§3.8 persisted state', () => {
  it('a candidate’s own vote counts only once it is on disk', () => {
    const member = new LoneMember({ voters: [1n] });
    member.node.campaign();
    const ready = member.node.ready();
    expect(ready).toMatchObject({ hardState: { term: 1, vote: 1n }, mustSync: true });
    expect(member.node.role).toBe('candidate');
    member.node.advance();
    expect(member.node.role).toBe('leader');
  });

  it('a leader’s own entry counts only once it is on disk', () => {
    const member = new LoneMember().lead();
    member.node.propose([Uint8Array.of(1)]);
    const ready = member.node.ready();
    member.storage.append(ready.entries);
    member.node.step({ ...newMessage('MsgAppResp', 1n), from: 2n, term: 1, index: 2 });
    expect(member.node.committed).toBe(1);
    member.node.advance();
    expect(member.node.committed).toBe(2);
  });

  it('a vote is remembered across a restart', () => {
    const member = new LoneMember({ term: 2, vote: 2n });
    member.get('MsgVote', 3n, { term: 2 });
    expect(member.take()).toMatchObject([{ type: 'MsgVoteResp', reject: true }]);
  });
});

describe('§3.10 leadership transfer', () => {
  it('a leader waits until the other has its whole log, and takes no proposals meanwhile', () => {
    const member = new LoneMember().lead();
    member.node.transferLeader(3n);
    member.work();
    expect(member.take('MsgTimeoutNow')).toEqual([]);
    expect(() => member.node.propose([Uint8Array.of(1)])).toThrow('being transferred');
    member.get('MsgAppResp', 3n, { index: 1 });
    expect(member.take('MsgTimeoutNow')).toMatchObject([{ to: 3n }]);
  });

  it('a member told to campaign does so at once, without asking beforehand', () => {
    const member = new LoneMember({ term: 1, preVote: true, checkQuorum: true });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.get('MsgTimeoutNow', 2n);
    expect(member.node.role).toBe('candidate');
    expect(member.take('MsgVote')[0]?.context.length).toBeGreaterThan(0);
  });

  it('a transfer that takes an election timeout is given up', () => {
    const member = new LoneMember().lead();
    member.node.transferLeader(3n);
    member.tick(10);
    expect(() => member.node.propose([Uint8Array.of(1)])).not.toThrow();
  });
});

describe('§4 membership changes', () => {
  const add = (nodeId: bigint) =>
    ({ id: 0n, type: 'addNode', nodeId, context: new Uint8Array(0) }) as const;

  it('§4.1: another change waits until the one before is applied', () => {
    const member = new LoneMember().lead();
    member.node.proposeConfChange(add(4n));
    member.node.proposeConfChange(add(5n));
    member.work();
    const last = member.storage.lastIndex();
    expect(member.storage.entries(last - 1, last + 1, 1_000).map((e) => e.type)).toEqual([
      'confChange',
      'normal',
    ]);
  });

  it('§4.2.1: a learner gets the log but has no vote', () => {
    const member = new LoneMember({ voters: [1n, 2n], learners: [3n] }).lead();
    member.node.propose([Uint8Array.of(1)]);
    member.work();
    member.get('MsgAppResp', 3n, { index: 2 });
    expect(member.node.committed).toBe(1);
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(2);
    const learner = new LoneMember({ voters: [2n, 3n], learners: [1n] });
    learner.tick(50);
    expect(learner.node.role).toBe('follower');
  });

  it('§4.2.2: a leader that is removed steps down when it applies that', () => {
    const member = new LoneMember().lead();
    member.node.applyConfChange({ ...add(1n), type: 'removeNode' });
    expect(member.node.role).toBe('follower');
  });

  it('§4.2.3: who hears from a leader does not listen to candidates', () => {
    const member = new LoneMember({ term: 1, checkQuorum: true });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.get('MsgVote', 3n, { term: 9, index: 9, logTerm: 9 });
    expect(member.take()).toEqual([]);
    expect(member.node.term).toBe(1);
    member.tick(9);
    member.get('MsgVote', 3n, { term: 9, index: 9, logTerm: 9 });
    expect(member.node.term).toBe(1);
  });
});

describe('§6 clients', () => {
  const context = Uint8Array.of(42);

  it('§6.2: a leader that hears from no quorum for an election timeout steps down', () => {
    const member = new LoneMember({ checkQuorum: true }).lead();
    member.tick(10);
    member.get('MsgHeartbeatResp', 2n);
    member.tick(10);
    expect(member.node.role).toBe('leader');
    member.tick(10);
    expect(member.node.role).toBe('follower');
  });

  it('§6.4: a read waits for an entry of the leader’s own term to be committed', () => {
    const member = new LoneMember({ term: 1, terms: [1], commit: 1 }).lead(false);
    member.node.readIndex(context);
    member.work();
    expect(member.take('MsgHeartbeat')).toEqual([]);
    member.get('MsgAppResp', 2n, { index: 2 });
    const [heartbeat] = member.take('MsgHeartbeat');
    member.get('MsgHeartbeatResp', 2n, { context: heartbeat?.context ?? context });
    expect(member.reads).toEqual([{ index: 2, context }]);
  });

  it('§6.4: a read waits for a quorum to confirm that the leader still leads', () => {
    const member = new LoneMember({ voters: five });
    member.node.campaign();
    member.work();
    for (const id of [2n, 3n]) member.get('MsgVoteResp', id);
    for (const id of [2n, 3n]) member.get('MsgAppResp', id, { index: 1 });
    member.take();
    member.node.readIndex(context);
    member.work();
    const round = member.take('MsgHeartbeat')[0]?.context ?? context;
    member.get('MsgHeartbeatResp', 2n, { context: round });
    member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(member.reads).toEqual([]);
    member.get('MsgHeartbeatResp', 4n, { context: round });
    expect(member.reads).toEqual([{ index: 1, context }]);
  });

  it('§6.4.1: with a lease a leader reads alone, until the lease runs out', () => {
    const member = new LoneMember({ readOnlyMode: 'leaseBased', checkQuorum: true }).lead();
    member.node.readIndex(context);
    member.work();
    expect(member.reads).toEqual([]);
    member.tick();
    const round = member.take('MsgHeartbeat').at(-1)?.context ?? context;
    member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(member.reads).toHaveLength(1);
    member.node.readIndex(context);
    member.work();
    expect(member.reads).toHaveLength(2);
    member.tick(8);
    member.node.readIndex(context);
    member.work();
    expect(member.reads).toHaveLength(2);
  });

  it('§6.4.1: who has told another to campaign trusts no lease any more', () => {
    const member = new LoneMember({ readOnlyMode: 'leaseBased', checkQuorum: true }).lead();
    member.tick();
    const round = member.take('MsgHeartbeat').at(-1)?.context ?? context;
    member.get('MsgHeartbeatResp', 2n, { context: round });
    member.node.transferLeader(2n);
    member.node.readIndex(context);
    member.work();
    expect(member.reads).toEqual([]);
  });

  it('§6.4.1: with leases a restarted member waits before it votes, for it may have promised not to', () => {
    const restarted = { term: 1, readOnlyMode: 'leaseBased', checkQuorum: true } as const;
    const member = new LoneMember(restarted);
    member.get('MsgVote', 2n, { term: 2, index: 5, logTerm: 1 });
    expect(member.take()).toEqual([]);
    const patient = new LoneMember({ ...restarted, random: () => 0.9 });
    patient.tick(10);
    patient.get('MsgVote', 2n, { term: 2, index: 5, logTerm: 1 });
    expect(patient.take('MsgVoteResp')).toMatchObject([{ reject: false }]);
  });
});

describe('§6.4.1 campaigns on demand', () => {
  it('wait, with leases, as long as the leader may be reading by one', () => {
    const member = new LoneMember({ term: 1, readOnlyMode: 'leaseBased', checkQuorum: true });
    member.get('MsgHeartbeat', 2n);
    member.node.campaign();
    expect(member.node.role).toBe('follower');
    const plain = new LoneMember({ term: 1, checkQuorum: true });
    plain.get('MsgHeartbeat', 2n);
    plain.node.campaign();
    expect(plain.node.role).toBe('candidate');
  });
});

describe('§9.6 pre-vote', () => {
  it('asking beforehand changes nobody’s term or vote', () => {
    const asking = new LoneMember({ term: 1, preVote: true });
    asking.tick(10);
    expect(asking.take().map((m) => [m.type, m.term])).toEqual([
      ['MsgPreVote', 2],
      ['MsgPreVote', 2],
    ]);
    expect(state(asking).hardState).toMatchObject({ term: 1, vote: 0n });
    const asked = new LoneMember({ term: 1 });
    asked.get('MsgPreVote', 2n, { term: 2 });
    expect(asked.take()).toMatchObject([{ type: 'MsgPreVoteResp', reject: false, term: 2 }]);
    expect(state(asked).hardState).toMatchObject({ term: 1, vote: 0n });
  });

  it('a pre-candidate with a majority becomes a candidate', () => {
    const member = new LoneMember({ term: 1, preVote: true });
    member.tick(10);
    member.get('MsgPreVoteResp', 2n, { term: 2 });
    expect(state(member)).toMatchObject({
      softState: { role: 'candidate' },
      hardState: { term: 2 },
    });
  });

  it('a pre-vote is refused for a log that is behind', () => {
    const asked = new LoneMember({ term: 1, terms: [1] });
    asked.get('MsgPreVote', 2n, { term: 2 });
    expect(asked.take()).toMatchObject([{ type: 'MsgPreVoteResp', reject: true, term: 1 }]);
  });
});
