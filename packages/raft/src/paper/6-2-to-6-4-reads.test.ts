import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember, type LoneStart } from '../testing/lone-member.ts';

/*
 * Raft dissertation §6.4, and §6.2 as far as it is about leaders. How clients find the cluster (§6.1), are told the
 * leader's address (§6.2), have commands executed once only (§6.3), and never read what is older than what they have
 * seen (end of §6.4.1) is for the application.
 */

const context = Uint8Array.of(42);
const five = [1n, 2n, 3n, 4n, 5n];

/** Asks for a read; returns the round that its heartbeats carry, if any are sent. */
function read(member: LoneMember, name = context): Uint8Array {
  member.node.readIndex(name);
  member.work();
  return member.take('MsgHeartbeat')[0]?.context ?? name;
}

describe('§6.2 routing requests to the leader', () => {
  it('a leader that hears from no quorum for an election timeout steps down', () => {
    const member = new LoneMember({ checkQuorum: true }).lead();
    member.tick(10);
    member.get('MsgHeartbeatResp', 2n);
    member.tick(10);
    expect(member.node.role).toBe('leader');
    member.tick(10);
    expect(member.node.role).toBe('follower');
  });
});

describe('§6.4 processing read-only queries more efficiently', () => {
  it('a leader begins its term with an empty entry', () => {
    const member = new LoneMember({ term: 1, terms: [1] }).lead(false);
    expect(member.terms).toEqual([1, 2]);
    expect(member.storage.entries(2, 3, 0)).toMatchObject([
      { type: 'normal', data: { length: 0 } },
    ]);
  });

  it('a read waits for an entry of the leader’s own term to be committed', () => {
    const member = new LoneMember({ term: 1, terms: [1], commit: 1 }).lead(false);
    member.node.readIndex(context);
    member.work();
    expect(member.take('MsgHeartbeat')).toEqual([]);
    member.get('MsgAppResp', 2n, { index: 2 });
    const [heartbeat] = member.take('MsgHeartbeat');
    member.get('MsgHeartbeatResp', 2n, { context: heartbeat?.context ?? context });
    expect(member.reads).toEqual([{ index: 2, context }]);
  });

  it('its index is what was committed when it was asked for, not what is by the time of the answer', () => {
    const member = new LoneMember().lead();
    const round = read(member);
    member.node.propose([context]);
    member.work();
    member.get('MsgAppResp', 2n, { index: 2 });
    expect(member.node.committed).toBe(2);
    member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(member.reads).toEqual([{ index: 1, context }]);
  });

  it('it waits for a quorum to confirm that the leader still leads', () => {
    const member = new LoneMember({ voters: five }).lead(false);
    member.get('MsgVoteResp', 3n);
    for (const id of [2n, 3n]) member.get('MsgAppResp', id, { index: 1 });
    member.take();
    const round = read(member);
    for (let i = 0; i < 3; i++) member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(member.reads).toEqual([]);
    member.get('MsgHeartbeatResp', 4n, { context: round });
    expect(member.reads).toEqual([{ index: 1, context }]);
  });

  it('answers to heartbeats from before the read confirm nothing', () => {
    const member = new LoneMember().lead();
    const first = read(member, Uint8Array.of(1));
    const second = read(member, Uint8Array.of(2));
    member.get('MsgHeartbeatResp', 2n, { context: first });
    expect(member.reads.map((r) => r.context[0])).toEqual([1]);
    member.get('MsgHeartbeatResp', 2n, { context: second });
    expect(member.reads.map((r) => r.context[0])).toEqual([1, 2]);
  });

  it('one round of heartbeats serves all reads that have gathered', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 5; i++) member.node.readIndex(Uint8Array.of(i));
    member.work();
    const asked = member.take('MsgHeartbeat');
    expect(asked).toHaveLength(2);
    member.get('MsgHeartbeatResp', 2n, { context: asked[0]?.context ?? context });
    expect(member.reads.map((r) => r.context[0])).toEqual([0, 1, 2, 3, 4]);
  });

  it('a read writes nothing to the log or to the disk', () => {
    const member = new LoneMember().lead();
    member.node.readIndex(context);
    const ready = member.node.ready();
    expect([ready.entries, ready.hardState, ready.mustSync]).toEqual([[], undefined, false]);
    member.node.advance();
  });

  it('a leader that was replaced unknown to itself answers none', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const old = group.campaign(1n);
    group.isolate(1n);
    old.node.readIndex(context);
    const next = group.campaign(2n);
    next.node.propose([context]);
    group.tick(5);
    expect([old.node.role, next.node.role]).toEqual(['leader', 'leader']);
    group.heal();
    group.tick(5);
    expect(old.node.role).toBe('follower');
    expect(old.reads).toEqual([]);
  });

  it('a follower asks its leader, and reads when it has applied what the leader says', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.node.readIndex(context);
    member.work();
    expect(member.take()).toMatchObject([{ type: 'MsgReadIndex', to: 2n, context }]);
    member.get('MsgReadIndexResp', 2n, { index: 7, context });
    expect(member.reads).toEqual([{ index: 7, context }]);
  });

  it('a leader makes sure of a follower’s read as of its own', () => {
    const member = new LoneMember().lead();
    member.get('MsgReadIndex', 3n, { context });
    expect(member.take('MsgReadIndexResp')).toEqual([]);
    const round = read(member);
    member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(member.take('MsgReadIndexResp')).toMatchObject([{ to: 3n, index: 1, context }]);
  });

  it('a learner confirms no read', () => {
    const member = new LoneMember({ voters: [1n, 2n], learners: [3n] }).lead();
    const round = read(member);
    member.get('MsgHeartbeatResp', 3n, { context: round });
    expect(member.reads).toEqual([]);
  });

  it('a single voter asks nobody', () => {
    const member = new LoneMember({ voters: [1n] }).lead();
    member.node.readIndex(context);
    member.work();
    expect(member.reads).toEqual([{ index: 1, context }]);
  });
});

describe('§6.4.1 using clocks to reduce messaging for read-only queries', () => {
  const leased: LoneStart = { readOnlyMode: 'leaseBased', checkQuorum: true };

  /** A leader with a lease that has just begun. */
  function leader(): LoneMember {
    const member = new LoneMember(leased).lead();
    member.tick();
    renew(member);
    return member;
  }

  function renew(member: LoneMember): void {
    const round = member.take('MsgHeartbeat').at(-1)?.context ?? context;
    member.get('MsgHeartbeatResp', 2n, { context: round });
  }

  function reads(member: LoneMember): boolean {
    const before = member.reads.length;
    member.node.readIndex(context);
    member.work();
    return member.reads.length > before;
  }

  it('a new leader has no lease before a quorum has answered a heartbeat', () => {
    const member = new LoneMember(leased).lead();
    expect(reads(member)).toBe(false);
    member.tick();
    expect(reads(member)).toBe(false);
    renew(member);
    expect(reads(member)).toBe(true);
  });

  it('with a lease it reads without a message', () => {
    const member = leader();
    expect(reads(member)).toBe(true);
    expect(member.take()).toEqual([]);
  });

  it('the lease is a little shorter than an election timeout', () => {
    const member = leader();
    member.tick(7);
    expect(reads(member)).toBe(true);
    member.tick();
    expect(reads(member)).toBe(false);
  });

  it('it begins when the heartbeats were sent, not when their answers came', () => {
    const member = new LoneMember(leased).lead();
    member.tick();
    const round = member.take('MsgHeartbeat')[0]?.context ?? context;
    member.tick(6);
    member.get('MsgHeartbeatResp', 2n, { context: round });
    expect(reads(member)).toBe(true);
    member.tick(2);
    expect(reads(member)).toBe(false);
  });

  it('answers to later heartbeats extend it', () => {
    const member = leader();
    for (let i = 0; i < 20; i++) {
      member.tick();
      renew(member);
    }
    expect(reads(member)).toBe(true);
  });

  it('by its lease a leader answers a follower’s read at once, too', () => {
    const member = leader();
    member.get('MsgReadIndex', 3n, { context });
    expect(member.take()).toMatchObject([{ type: 'MsgReadIndexResp', to: 3n, index: 1, context }]);
  });

  it('reads that find no lease share one round, and its answers start the next lease', () => {
    const member = leader();
    member.tick(8);
    member.take();
    const before = member.reads.length;
    for (let i = 0; i < 3; i++) member.node.readIndex(Uint8Array.of(i));
    member.work();
    const asked = member.take('MsgHeartbeat');
    expect(asked.map((m) => m.to)).toEqual([2n, 3n]);
    expect(member.reads.length).toBe(before);
    member.get('MsgHeartbeatResp', 3n, { context: asked[0]?.context ?? context });
    expect(member.reads.length).toBe(before + 3);
    expect(reads(member)).toBe(true);
  });

  it('who has told another to campaign trusts no lease any more', () => {
    const member = leader();
    member.node.transferLeader(2n);
    expect(reads(member)).toBe(false);
    member.tick();
    renew(member);
    expect(reads(member)).toBe(false);
  });

  it('a restarted member waits before it votes, for it may have promised not to', () => {
    const restarted = { term: 1, ...leased };
    const member = new LoneMember(restarted);
    member.get('MsgVote', 2n, { term: 2, index: 5, logTerm: 1 });
    expect(member.take()).toEqual([]);
    const patient = new LoneMember({ ...restarted, random: () => 0.9 });
    patient.tick(10);
    patient.get('MsgVote', 2n, { term: 2, index: 5, logTerm: 1 });
    expect(patient.take('MsgVoteResp')).toMatchObject([{ reject: false }]);
  });

  it('campaigns on demand wait as long as the leader may be reading by its lease', () => {
    const member = new LoneMember({ term: 1, ...leased, random: () => 0.9 });
    member.tick(10);
    member.get('MsgHeartbeat', 2n);
    member.node.campaign();
    expect(member.node.role).toBe('follower');
    const plain = new LoneMember({ term: 1, checkQuorum: true });
    plain.get('MsgHeartbeat', 2n);
    plain.node.campaign();
    expect(plain.node.role).toBe('candidate');
  });
});
