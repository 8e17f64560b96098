import { describe, expect, it } from 'vitest';
import { encodeConfChangeV2 } from './confchange/codec.ts';
import type { Config } from './config.ts';
import { MemoryStorage } from './memory-storage.ts';
import { RawNode } from './raw-node.ts';
import { mustPersistFirst, type Ready } from './ready.ts';
import { entryOf, LoneMember } from './testing/lone-member.ts';
import { emptyConfState, messageTypeNumbers, newMessage, noBytes } from './types.ts';

const a = Uint8Array.of(97);
const code = (name: string) => expect.objectContaining({ name: 'RaftError', code: name });

describe('a configuration', () => {
  it('is refused if it contradicts itself', () => {
    const wrong: Partial<Config>[] = [
      { id: 0n },
      { electionTicks: 1 },
      { heartbeatTicks: 0 },
      { maxInflightMessages: 0 },
      { maxInflightBytes: 10, maxSizePerMessage: 20 },
      { readOnlyMode: 'leaseBased', checkQuorum: false },
      { applied: -1 },
    ];
    for (const config of wrong) expect(() => new LoneMember(config)).toThrow(code('config'));
  });

  it('is refused if storage has lost what was applied', () => {
    expect(() => new LoneMember({ terms: [1], term: 1, applied: 2 })).toThrow(
      'ahead of the stored',
    );
  });
});

describe('a proposal', () => {
  it('is dropped as a whole while no leader is known', () => {
    const member = new LoneMember();
    expect(() => member.node.propose([a])).toThrow(code('proposalDropped'));
    member.node.campaign();
    expect(() => member.node.propose([a])).toThrow(code('proposalDropped'));
  });

  it('is forwarded by a follower, without the context that is the proposer’s own', () => {
    const member = new LoneMember({ term: 1 });
    member.get('MsgHeartbeat', 2n);
    member.take();
    member.node.propose([a, a]);
    member.work();
    const [message] = member.take();
    expect(message).toMatchObject({ type: 'MsgProp', to: 2n, from: 1n, term: 0 });

    const leader = new LoneMember({ voters: [1n] }).lead();
    const forwarded = { ...newMessage('MsgProp', 1n), from: 2n };
    const entries = [{ ...entryOf(0, 0, a), context: 'not yours' }];
    leader.node.step({ ...forwarded, entries });
    leader.node.step({ ...forwarded, entries });
    leader.work();
    const applied = leader.applied.slice(-2);
    expect(applied.map((e) => [e.index, e.context])).toEqual([
      [2, undefined],
      [3, undefined],
    ]);
    expect(entries[0]).toMatchObject({ term: 0, index: 0 });
  });

  it('is not forwarded if that is disabled', () => {
    const member = new LoneMember({ term: 1, disableProposalForwarding: true });
    member.get('MsgHeartbeat', 2n);
    expect(() => member.node.propose([a])).toThrow(code('proposalDropped'));
  });

  it('is dropped when too much waits to be committed, but one is always let through', () => {
    const leader = new LoneMember({ maxUncommittedBytes: 3 }).lead();
    leader.node.propose([new Uint8Array(10)]);
    expect(() => leader.node.propose([a])).toThrow(code('proposalDropped'));
    leader.work();
    leader.get('MsgAppResp', 2n, { index: 2 });
    expect(() => leader.node.propose([a])).not.toThrow();
  });

  it('that is a membership change nobody can read becomes an empty entry', () => {
    const leader = new LoneMember({ voters: [1n] }).lead();
    const data = Uint8Array.of(255);
    const entries = [{ ...entryOf(0, 0, data), type: 'confChange' as const }];
    leader.node.step({ ...newMessage('MsgProp', 1n), from: 2n, entries });
    leader.work();
    expect(leader.applied.at(-1)).toMatchObject({ type: 'normal', data: noBytes });
  });
});

describe('a message', () => {
  it('that never travels, is for somebody else, or answers from no member, is refused', () => {
    const member = new LoneMember();
    const step = (type: Parameters<typeof newMessage>[0], to: bigint, from: bigint) => () =>
      member.node.step({ ...newMessage(type, to), from, term: 1 });
    expect(step('MsgHup', 1n, 2n)).toThrow(code('stepLocal'));
    expect(step('MsgApp', 9n, 2n)).toThrow(code('stepMisaddressed'));
    expect(step('MsgAppResp', 1n, 9n)).toThrow(code('stepPeerNotFound'));
    expect(member.node.term).toBe(0);
  });

  it('of each type has the number it has in raftpb', () => {
    const numbers = Object.values(messageTypeNumbers);
    expect([...numbers].sort((x, y) => x - y)).toEqual(numbers.map((_, i) => i));
    expect(messageTypeNumbers).toMatchObject({ MsgProp: 2, MsgSnap: 7, MsgPreVoteResp: 18 });
  });
});

describe('a campaign', () => {
  it('waits until committed membership changes are applied', () => {
    const data = encodeConfChangeV2({
      transition: 'auto',
      changes: [{ type: 'removeNode', nodeId: 3n }],
      context: noBytes,
    });
    const storage = new MemoryStorage({ ...emptyConfState, voters: [1n, 2n, 3n] });
    storage.append([{ ...entryOf(1, 1, data), type: 'confChangeV2' }]);
    storage.setHardState({ term: 1, vote: 0n, commit: 1 });
    const node = new RawNode({
      id: 1n,
      storage,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: () => 0,
    });
    node.campaign();
    expect(node.role).toBe('follower');
    node.ready();
    node.campaign();
    expect(node.role).toBe('follower');
    node.advance();
    node.campaign();
    expect(node.role).toBe('preCandidate');
  });
});

describe('votes and their answers', () => {
  it('spread the news of what is committed, where the logs agree', () => {
    const member = new LoneMember({ term: 2, terms: [1, 1, 2], commit: 1 });
    member.node.campaign();
    member.work();
    member.get('MsgVoteResp', 2n, { reject: true, commit: 2, rejectHint: 2 });
    expect(member.node.committed).toBe(1);
    member.get('MsgVoteResp', 2n, { reject: true, commit: 2, rejectHint: 1 });
    expect(member.node.committed).toBe(2);
  });

  it('end a campaign under a membership that turns out to be old', () => {
    const removal = {
      transition: 'auto' as const,
      changes: [{ type: 'removeNode' as const, nodeId: 2n }],
      context: noBytes,
    };
    const member = new LoneMember({ term: 1, voters: [1n, 2n] });
    const entries = [
      entryOf(1, 1),
      { ...entryOf(1, 2, encodeConfChangeV2(removal)), type: 'confChangeV2' as const },
    ];
    member.get('MsgApp', 2n, { entries, commit: 1 });
    member.node.campaign();
    member.work();
    expect(member.node.role).toBe('candidate');
    member.get('MsgVoteResp', 2n, { reject: true, commit: 2, rejectHint: 1 });
    expect(member.node.role).toBe('follower');
    expect(member.applied.at(-1)?.type).toBe('confChangeV2');
    member.node.applyConfChange(removal);
    member.node.campaign();
    member.work();
    expect(member.node.role).toBe('leader');
  });
});

describe('a snapshot', () => {
  const snapshotAt = (index: number) => ({
    metadata: { confState: { ...emptyConfState, voters: [2n, 3n] }, index, term: 1 },
    data: a,
  });

  it('is taken even if it is from before this member joined', () => {
    const member = new LoneMember({ voters: [] });
    member.get('MsgSnap', 2n, { term: 1, snapshot: snapshotAt(5) });
    expect(member.take()).toMatchObject([{ type: 'MsgAppResp', index: 5, reject: false }]);
    expect(member.node.status()).toMatchObject({ applied: 5, conf: { voters: [2n, 3n] } });
  });

  it('only says what is committed if the log has it all', () => {
    const member = new LoneMember({ term: 1, terms: [1, 1, 1] });
    member.get('MsgSnap', 2n, { snapshot: snapshotAt(2) });
    expect(member.terms).toEqual([1, 1, 1]);
    expect(member.node.committed).toBe(2);
  });

  it('is not taken while older membership changes are being applied', () => {
    const member = new LoneMember({ term: 1 });
    const removal = {
      transition: 'auto' as const,
      changes: [{ type: 'removeNode' as const, nodeId: 3n }],
      context: noBytes,
    };
    const data = encodeConfChangeV2(removal);
    const change = { ...entryOf(1, 1, data), type: 'confChangeV2' as const };
    member.get('MsgApp', 2n, { entries: [change] });
    member.node.step({ ...newMessage('MsgHeartbeat', 1n), from: 2n, term: 1, commit: 1 });
    const ready = member.node.ready();
    expect(ready.committedEntries).toHaveLength(1);
    // Were it taken, the change would be made to the snapshot's membership.
    const snapshot = snapshotAt(5);
    member.node.step({ ...newMessage('MsgSnap', 1n), from: 2n, term: 1, snapshot });
    expect(member.node.applyConfChange(removal).voters).toEqual([1n, 2n]);
    member.node.advance();
    member.work();
    member.take();
    member.get('MsgSnap', 2n, { snapshot });
    expect(member.take()).toMatchObject([{ type: 'MsgAppResp', index: 5 }]);
    expect(member.node.status().conf.voters).toEqual([2n, 3n]);
  });

  it('that can’t be delivered lets the leader try again later', () => {
    const leader = new LoneMember().lead();
    leader.storage.createSnapshot(1, leader.node.status().conf, a);
    leader.storage.compact(1);
    leader.get('MsgHeartbeatResp', 3n);
    expect(leader.take('MsgSnap')).toHaveLength(1);
    expect(leader.node.status().progress.get(3n)?.state).toBe('snapshot');
    leader.node.reportSnapshot(3n, 'failure');
    expect(leader.node.status().progress.get(3n)).toMatchObject({ state: 'probe', isPaused: true });
    leader.get('MsgHeartbeatResp', 3n);
    expect(leader.take('MsgSnap')).toHaveLength(1);
  });
});

describe('asynchronous storage writes', () => {
  function start() {
    const storage = new MemoryStorage({ ...emptyConfState, voters: [1n, 2n, 3n] });
    const node = new RawNode({
      id: 1n,
      storage,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: () => 0,
      asyncStorageWrites: true,
      verify: true,
    });
    const write = (ready: Ready): void => {
      storage.append(ready.entries);
      if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
      node.persisted(ready);
    };
    return { node, write };
  }
  const append = (term: number, index: number, logTerm: number) => ({
    ...newMessage('MsgApp', 1n),
    from: BigInt(1 + term),
    term,
    index: index - 1,
    logTerm,
    entries: [entryOf(term, index)],
  });

  it('let one Ready after another be taken before the first is on disk', () => {
    const { node, write } = start();
    node.step(append(1, 1, 0));
    const first = node.ready();
    node.step(append(1, 2, 1));
    const second = node.ready();
    expect([first, second].map((r) => r.entries.map((e) => e.index))).toEqual([[1], [2]]);
    expect(second.messages.every(mustPersistFirst)).toBe(true);
    expect(() => node.persisted(second)).toThrow('out of order');
    write(first);
    write(second);
    node.applied(first);
    node.applied(second);
    expect(node.hasReady()).toBe(false);
  });

  it('do not take an entry for durable that was overwritten and came back meanwhile', () => {
    const { node, write } = start();
    node.step(append(1, 1, 0));
    const original = node.ready();
    node.step({ ...append(2, 1, 0) });
    const overwritten = node.ready();
    // A leader of term 3 has the first entry after all, and commits it.
    node.step({ ...append(3, 1, 0), from: 2n, entries: [entryOf(1, 1)], commit: 1 });
    write(original);
    expect(node.hasReady()).toBe(true);
    const again = node.ready();
    expect(again.entries).toMatchObject([{ term: 1, index: 1 }]);
    expect(again.committedEntries).toEqual([]);
    write(overwritten);
    write(again);
    expect(node.ready().committedEntries).toMatchObject([{ term: 1, index: 1 }]);
  });
});
