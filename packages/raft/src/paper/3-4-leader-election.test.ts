import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { LoneMember, type LoneStart } from '../testing/lone-member.ts';
import { Prng } from '../testing/prng.ts';
import { newMessage } from '../types.ts';

/* Raft dissertation §3.4. */

const five = [1n, 2n, 3n, 4n, 5n];
const state = (member: LoneMember) => member.node.status();

function candidate(start: LoneStart = {}): LoneMember {
  const member = new LoneMember(start);
  member.node.campaign();
  member.work();
  return member;
}

describe('§3.4 leader election: followers', () => {
  it('members start as followers', () => {
    expect(new LoneMember().node.role).toBe('follower');
    expect(new LoneMember({ term: 3, vote: 1n, terms: [3] }).node.role).toBe('follower');
  });

  it('a leader sends heartbeats to all others every heartbeatTicks', () => {
    const member = new LoneMember({ heartbeatTicks: 3 }).lead();
    for (let i = 0; i < 3; i++) {
      member.tick(2);
      expect(member.take()).toEqual([]);
      member.tick();
      expect(member.take()).toMatchObject([
        { type: 'MsgHeartbeat', to: 2n, entries: [] },
        { type: 'MsgHeartbeat', to: 3n, entries: [] },
      ]);
    }
  });

  it('hearing from a leader starts the wait anew', () => {
    for (const type of ['MsgHeartbeat', 'MsgApp'] as const) {
      const member = new LoneMember({ term: 1 });
      for (let i = 0; i < 5; i++) {
        member.tick(9);
        member.get(type, 2n);
      }
      expect(member.node.role).toBe('follower');
    }
  });

  it('giving a candidate a vote starts the wait anew, refusing it does not', () => {
    const giving = new LoneMember({ term: 1 });
    giving.tick(9);
    giving.get('MsgVote', 2n);
    giving.tick(9);
    expect(giving.node.role).toBe('follower');
    const refusing = new LoneMember({ term: 1, terms: [1] });
    refusing.tick(9);
    refusing.get('MsgVote', 2n);
    refusing.tick();
    expect(refusing.node.role).toBe('candidate');
  });

  it('a leader of an older term does not start the wait anew', () => {
    const member = new LoneMember({ term: 2 });
    member.tick(9);
    member.get('MsgHeartbeat', 2n, { term: 1 });
    member.tick();
    expect(member.node.role).toBe('candidate');
  });
});

describe('§3.4 leader election: candidates', () => {
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

  it('only votes of the same term count', () => {
    const member = candidate({ voters: five, term: 1 });
    member.get('MsgVoteResp', 2n);
    member.tick(10);
    expect(member.node.term).toBe(3);
    for (const id of [3n, 4n, 5n]) member.get('MsgVoteResp', id, { term: 2 });
    expect(member.node.role).toBe('candidate');
    for (const id of [3n, 4n]) member.get('MsgVoteResp', id);
    expect(member.node.role).toBe('leader');
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
    member.get('MsgVote', 3n, { term: 3 });
    expect(member.take()).toMatchObject([{ to: 3n, reject: false }]);
  });

  it('a candidate has given its vote away: to itself', () => {
    const member = candidate();
    member.get('MsgVote', 2n);
    expect(member.take('MsgVoteResp')).toMatchObject([{ to: 2n, reject: true }]);
  });

  it('election safety: however votes go, a term has one leader at most', () => {
    const voters = [1n, 2n, 3n, 4n, 5n, 6n, 7n];
    // 1, 2 and 3 campaign; each of the others votes for one of them, or is not heard.
    for (let code = 0; code < 4 ** 4; code++) {
      const candidates = [1n, 2n, 3n].map((id) => candidate({ id, voters }));
      for (const [i, voter] of [4n, 5n, 6n, 7n].entries()) {
        const choice = candidates[Math.floor(code / 4 ** i) % 4];
        choice?.node.step({ ...newMessage('MsgVoteResp', choice.id), from: voter, term: 1 });
        choice?.work();
      }
      expect(candidates.filter(({ node }) => node.role === 'leader').length).toBeLessThan(2);
    }
  });

  it('a winner tells all others at once that it leads', () => {
    const member = candidate();
    member.take();
    member.get('MsgVoteResp', 2n);
    expect(state(member).softState).toEqual({ role: 'leader', leader: 1n });
    expect(member.take('MsgApp').map((m) => [m.to, m.term])).toEqual([
      [2n, 1],
      [3n, 1],
    ]);
  });

  it('a candidate gives way to a leader of its term or a later one, and to no earlier one', () => {
    for (const term of [2, 3]) {
      const member = candidate({ term: 1 });
      member.get('MsgApp', 3n, { term });
      expect(state(member).softState).toEqual({ role: 'follower', leader: 3n });
    }
    const member = candidate({ term: 1 });
    member.get('MsgApp', 3n, { term: 1 });
    expect(state(member).softState).toEqual({ role: 'candidate', leader: 0n });
  });
});

describe('§3.4 leader election: split votes', () => {
  it('a candidate that neither wins nor loses begins another election after a timeout', () => {
    const member = candidate({ term: 1 });
    member.tick(9);
    expect(member.node.term).toBe(2);
    member.tick();
    expect(state(member)).toMatchObject({
      hardState: { term: 3 },
      softState: { role: 'candidate' },
    });
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
    expect([...drawn].sort((x, y) => x - y)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('a candidate draws a new timeout for each election', () => {
    const member = new LoneMember({ random: new Prng(3).next });
    const waits: number[] = [];
    for (let term = 1; term <= 20; term++) {
      let ticks = 0;
      while (member.node.term < term) {
        member.tick();
        ticks++;
      }
      waits.push(ticks);
    }
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  it('with equal timeouts votes split for ever, with random ones somebody wins soon', () => {
    const equal = new LoneGroup(five, { random: () => 0 });
    equal.tick(200);
    expect(equal.leaders).toEqual([]);
    expect(equal.at(1n).node.term).toBe(20);
    const random = new LoneGroup(five);
    random.tick(60);
    expect(random.leaders).toHaveLength(1);
  });
});
