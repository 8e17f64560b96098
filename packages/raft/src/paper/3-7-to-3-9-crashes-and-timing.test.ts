import { describe, expect, it } from 'vitest';
import { mustPersistFirst } from '../ready.ts';
import { LoneGroup } from '../testing/lone-group.ts';
import { entryOf, LoneMember } from '../testing/lone-member.ts';
import { newMessage } from '../types.ts';

/*
 * Raft dissertation §3.7 to §3.9. That a member which has lost its disk must not come back as if it had not (§3.8) is
 * for the application: raft can't know. That safety depends on no clock (§3.9) is shown by the simulator, whose clocks
 * drift, stand still and jump.
 */

const a = Uint8Array.of(97);

describe('§3.7 follower and candidate crashes', () => {
  it('a leader tries again for as long as a follower does not answer', () => {
    const member = new LoneMember().lead();
    for (let i = 0; i < 3; i++) {
      member.get('MsgHeartbeatResp', 3n);
      expect(member.take('MsgApp')).toMatchObject([{ to: 3n, index: 0, entries: [{ index: 1 }] }]);
    }
  });

  it('a follower that crashed gets what it missed when it is back', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    const leader = group.campaign(1n);
    group.stop(3n);
    for (let i = 0; i < 5; i++) leader.node.propose([a]);
    group.tick(20);
    group.restart(3n);
    group.tick(2);
    expect(group.at(3n).terms).toEqual(leader.terms);
    expect(group.at(3n).node.committed).toBe(6);
  });

  it('a candidate asks again, in its next term, for the votes it did not get', () => {
    const group = new LoneGroup([1n, 2n, 3n]);
    group.stop(2n);
    group.stop(3n);
    group.campaign(1n);
    expect(group.at(1n).node.role).toBe('candidate');
    group.restart(2n);
    expect(group.elect().node.term).toBeGreaterThan(1);
  });

  it('an append that comes twice changes nothing the second time', () => {
    const member = new LoneMember({ term: 1 });
    for (let i = 0; i < 3; i++) {
      member.get('MsgApp', 2n, { entries: [entryOf(1, 1), entryOf(1, 2)] });
      expect(member.terms).toEqual([1, 1]);
      expect(member.take('MsgAppResp')).toMatchObject([{ index: 2, reject: false }]);
    }
  });

  it('a crash between doing what was asked and answering is healed by asking again', () => {
    const member = new LoneMember({ term: 1 });
    const append = { term: 1, entries: [entryOf(1, 1), entryOf(1, 2)] };
    member.get('MsgApp', 2n, append);
    const appended = member.restarted();
    appended.get('MsgApp', 2n, append);
    expect(appended.take('MsgAppResp')).toMatchObject([{ index: 2, reject: false }]);
    expect(appended.terms).toEqual([1, 1]);
    const vote = { term: 2, index: 2, logTerm: 1 };
    appended.get('MsgVote', 3n, vote);
    const voted = appended.restarted();
    voted.get('MsgVote', 3n, vote);
    expect(voted.take('MsgVoteResp')).toMatchObject([{ to: 3n, reject: false }]);
  });
});

describe('§3.8 persisted state and server restarts', () => {
  it('a vote is remembered across a restart', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgVote', 2n, { term: 2 });
    const again = member.restarted();
    again.get('MsgVote', 3n, { term: 2 });
    expect(again.take()).toMatchObject([{ type: 'MsgVoteResp', reject: true }]);
  });

  it('a term is remembered across a restart: entries of the leader before it are refused', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgApp', 3n, { term: 2, entries: [entryOf(2, 1)] });
    const again = member.restarted();
    expect(again.node.status().hardState).toMatchObject({ term: 2, vote: 0n });
    again.get('MsgApp', 2n, { term: 1, entries: [entryOf(1, 1)] });
    expect(again.terms).toEqual([2]);
  });

  it('term, vote and entries are on disk before anything is promised', () => {
    const promises = [
      { type: 'MsgVote' as const, term: 2, answer: 'MsgVoteResp' },
      { type: 'MsgApp' as const, term: 2, entries: [entryOf(2, 1)], answer: 'MsgAppResp' },
    ];
    for (const { answer, ...request } of promises) {
      const member = new LoneMember({ term: 1 });
      member.node.step({ ...newMessage(request.type, 1n), from: 2n, ...request });
      const ready = member.node.ready();
      expect(ready.mustSync).toBe(true);
      expect(ready.messages.map((m) => [m.type, mustPersistFirst(m)])).toEqual([[answer, true]]);
    }
  });

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
    member.node.propose([a]);
    const ready = member.node.ready();
    member.storage.append(ready.entries);
    member.node.step({ ...newMessage('MsgAppResp', 1n), from: 2n, term: 1, index: 2 });
    expect(member.node.committed).toBe(1);
    member.node.advance();
    expect(member.node.committed).toBe(2);
  });

  it('the commit index may be lost: it is found again', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgApp', 2n, { entries: [entryOf(1, 1), entryOf(1, 2)], commit: 2 });
    member.storage.setHardState({ term: 1, vote: 0n, commit: 0 });
    const follower = member.restarted();
    expect(follower.node.committed).toBe(0);
    follower.get('MsgHeartbeat', 2n, { commit: 2 });
    expect(follower.applied.map((e) => e.index)).toEqual([1, 2]);
    member.storage.setHardState({ term: 1, vote: 0n, commit: 0 });
    const leader = member.restarted().lead();
    expect(leader.applied.map((e) => e.index)).toEqual([1, 2, 3]);
  });

  it('a state machine in memory is filled from the log, one on disk goes on behind what it applied', () => {
    const member = new LoneMember({ term: 1, terms: [1, 1, 1], commit: 3 });
    const applied = (of: LoneMember) => of.applied.map((e) => e.index);
    expect(applied(member.restarted())).toEqual([1, 2, 3]);
    expect(applied(member.restarted({ applied: 2 }))).toEqual([3]);
    expect(applied(member.restarted({ applied: 3 }))).toEqual([]);
  });
});

describe('§3.9 timing and availability', () => {
  it('a leader whose heartbeats arrive in time is never replaced', () => {
    const group = new LoneGroup([1n, 2n, 3n, 4n, 5n]);
    const leader = group.campaign(1n);
    group.tick(1_000);
    expect(group.leaders.map(({ id }) => id)).toEqual([1n]);
    expect(leader.node.term).toBe(1);
  });

  it('when the leader crashes, another one is there within a few election timeouts', () => {
    for (let first = 1n; first <= 5n; first++) {
      const group = new LoneGroup([1n, 2n, 3n, 4n, 5n], { checkQuorum: true, preVote: true });
      group.campaign(first);
      group.stop(first);
      let ticks = 0;
      for (group.tick(); group.leaders.length === 0; group.tick()) ticks++;
      expect(ticks).toBeLessThan(60);
    }
  });
});
