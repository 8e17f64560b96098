import { describe, expect, it } from 'vitest';
import { LoneGroup } from '../testing/lone-group.ts';
import { entryOf, LoneMember } from '../testing/lone-member.ts';
import type { Message } from '../types.ts';

/*
 * "Consensus: Bridging Theory and Practice" (Ongaro, 2014), claim by claim: what it says a member does, in its order
 * and under its section numbers. Chapters 3 and 4 and §6.4 are here, and what of other chapters this package does.
 *
 * Left out are the claims about what is built around a library: who stores what a member must not lose (§3.8), how
 * clients find the leader and are told answers once only (§6.1 to §6.3), and how fast it all is (§3.9, chapter 9).
 * That the properties of figure 3.2 hold under any faults is for the simulator, in ../testing.
 */

const a = Uint8Array.of(97);

describe('§3.3 Raft basics: roles', () => {
  it('in normal operation there is exactly one leader, and all others are followers', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n]);
    group.tick(50);
    expect(group.leaders).toHaveLength(1);
    const roles = group.members.map(({ node }) => node.role).sort();
    expect(roles).toEqual(['follower', 'follower', 'follower', 'follower', 'leader']);
  });

  it('followers are passive: they send answers, and nothing unasked', () => {
    const member = new LoneMember({ term: 1 });
    for (let i = 0; i < 100; i++) {
      member.tick(3);
      expect(member.take()).toEqual([]);
      member.get('MsgHeartbeat', 2n);
      expect(member.take().map((m) => [m.type, m.to])).toEqual([['MsgHeartbeatResp', 2n]]);
    }
  });

  it('a follower that a client contacts sends it on to the leader', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgHeartbeat', 3n);
    member.take();
    member.node.propose([a]);
    member.work();
    expect(member.take()).toMatchObject([{ type: 'MsgProp', to: 3n, entries: [{ data: a }] }]);
  });
});

describe('§3.3 Raft basics: terms', () => {
  it('terms are consecutive integers, and each begins with an election', () => {
    const member = new LoneMember();
    for (let term = 1; term <= 5; term++) {
      member.tick(10);
      expect(member.node.term).toBe(term);
      expect(member.take('MsgVote').map((m) => m.term)).toEqual([term, term]);
    }
  });

  it('a term may end without a leader', () => {
    const group = new LoneGroup([1n, 2n], { random: () => 0 });
    group.tick(10);
    expect(group.members.map(({ node }) => [node.role, node.term])).toEqual([
      ['follower', 1],
      ['follower', 1],
    ]);
    group.campaign(1n);
    expect(group.leaders.map(({ node }) => node.term)).toEqual([2]);
  });

  it('a member’s term never falls, whatever it hears', () => {
    const member = new LoneMember({ term: 1 });
    let highest = 1;
    for (const term of [4, 2, 9, 1, 9, 3, 12]) {
      member.get(term % 2 === 0 ? 'MsgHeartbeat' : 'MsgVote', term > 9 ? 3n : 2n, { term });
      highest = Math.max(highest, term);
      expect(member.node.term).toBe(highest);
      expect(member.storage.initialState().hardState.term).toBe(highest);
    }
  });

  it('terms are exchanged with every message between members', () => {
    const seen: Message[] = [];
    const group = new LoneGroup([1n, 2n, 3n]);
    group.loses = (message) => {
      seen.push(message);
      return false;
    };
    const leader = group.campaign(1n);
    leader.node.propose([a]);
    leader.node.readIndex(a);
    group.tick(2);
    leader.node.transferLeader(2n);
    group.settle();
    expect(new Set(seen.map((m) => m.type)).size).toBeGreaterThan(6);
    expect(seen.filter((m) => m.term === 0)).toEqual([]);
  });

  it('a member of any role follows a higher term; leaders and candidates become followers at once', () => {
    const roles: [string, () => LoneMember][] = [
      ['follower', () => new LoneMember({ term: 1 })],
      ['candidate', () => campaigning(new LoneMember({ term: 1 }))],
      ['preCandidate', () => campaigning(new LoneMember({ term: 1, preVote: true }))],
      ['leader', () => new LoneMember({ term: 1 }).lead()],
    ];
    for (const [role, start] of roles) {
      const member = start();
      expect(member.node.role).toBe(role);
      member.get('MsgApp', 2n, { term: 7 });
      expect(member.node.status()).toMatchObject({
        hardState: { term: 7, vote: 0n },
        softState: { role: 'follower', leader: 2n },
      });
    }
  });

  it('a request of an older term is rejected and changes nothing', () => {
    const member = new LoneMember({ term: 5, terms: [5] });
    member.get('MsgApp', 2n, { term: 4, entries: [entryOf(4, 1)], commit: 1 });
    member.get('MsgHeartbeat', 2n, { term: 4, commit: 1 });
    member.get('MsgVote', 2n, { term: 4, index: 9, logTerm: 4 });
    expect(member.take()).toEqual([]);
    expect(member.terms).toEqual([5]);
    expect(member.node.status()).toMatchObject({
      hardState: { term: 5, vote: 0n, commit: 0 },
      softState: { leader: 0n },
    });
  });

  it('with quorum checks or pre-votes the sender of an old term is told the newer one', () => {
    for (const config of [{ checkQuorum: true }, { preVote: true }]) {
      const member = new LoneMember({ term: 5, ...config });
      member.get('MsgHeartbeat', 2n, { term: 4 });
      expect(member.take()).toMatchObject([{ to: 2n, term: 5 }]);
    }
  });
});

describe('§3.3 Raft basics: messages', () => {
  it('requests are sent in parallel: to all others before anybody has answered', () => {
    const member = new LoneMember({ voters: [1n, 2n, 3n, 4n, 5n] });
    member.node.campaign();
    member.work();
    expect(member.take('MsgVote').map((m) => m.to)).toEqual([2n, 3n, 4n, 5n]);
    for (const id of [2n, 3n]) member.get('MsgVoteResp', id);
    expect(member.take('MsgApp').map((m) => m.to)).toEqual([2n, 3n, 4n, 5n]);
  });

  it('the order in which messages arrive makes no difference to the log', () => {
    const [first, second, third] = [1, 2, 3].map((index) => ({
      index: index - 1,
      logTerm: index === 1 ? 0 : 1,
      entries: [entryOf(1, index)],
    }));
    const orders = [
      [first, second, third],
      [first, third, second],
      [second, first, third],
      [second, third, first],
      [third, first, second],
      [third, second, first],
    ];
    for (const order of orders) {
      const member = new LoneMember({ term: 1 });
      // Refused ones are sent again by the leader.
      for (const message of [...order, first, second, third]) member.get('MsgApp', 2n, message);
      expect(member.terms).toEqual([1, 1, 1]);
    }
  });
});

function campaigning(member: LoneMember): LoneMember {
  member.node.campaign();
  member.work();
  return member;
}
