import { describe, expect, it } from 'vitest';
import { type Config, type Entry, MemoryStorage, RawNode, type ReadState } from './index.ts';

const solo = { voters: [1n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
const bytes = (text: string) => new TextEncoder().encode(text);

function start(storage: MemoryStorage, overrides: Partial<Config> = {}) {
  return new RawNode({
    id: 1n,
    storage,
    electionTicks: 10,
    heartbeatTicks: 1,
    random: () => 0.5,
    verify: true,
    ...overrides,
  });
}

/** Carries out Readys until there are none; returns what was applied and which reads were answered. */
function drain(node: RawNode, storage: MemoryStorage) {
  const applied: Entry[] = [];
  const reads: ReadState[] = [];
  while (node.hasReady()) {
    const ready = node.ready();
    if (ready.hardState) storage.setHardState(ready.hardState);
    storage.append(ready.entries);
    applied.push(...ready.committedEntries);
    reads.push(...ready.readStates);
    expect(ready.messages).toEqual([]);
    node.advance();
  }
  return { applied, reads };
}

describe('a single voter', () => {
  it('elects itself at once when told to campaign', () => {
    const storage = new MemoryStorage(solo);
    const node = start(storage);
    node.campaign();
    drain(node, storage);
    expect(node.status()).toMatchObject({
      softState: { leader: 1n, role: 'leader' },
      hardState: { term: 1, vote: 1n, commit: 1 },
    });
  });

  it('elects itself after the election timeout', () => {
    const storage = new MemoryStorage(solo);
    const node = start(storage);
    for (let i = 0; i < 14; i++) node.tick();
    expect(node.role).toBe('follower');
    node.tick();
    drain(node, storage);
    expect(node.role).toBe('leader');
  });

  it('commits a batch only after it was persisted, and hands the context back', () => {
    const storage = new MemoryStorage(solo);
    const node = start(storage);
    node.campaign();
    drain(node, storage);
    const context = { waiter: 1 };
    node.propose([bytes('a'), { data: bytes('b'), context }]);
    const first = node.ready();
    expect(first.entries.map((e) => e.index)).toEqual([2, 3]);
    expect(first.committedEntries).toEqual([]);
    expect(first.mustSync).toBe(true);
    storage.append(first.entries);
    expect(node.committed).toBe(1);
    node.advance();
    expect(node.committed).toBe(3);
    const second = node.ready();
    expect(second.mustSync).toBe(false);
    expect(second.committedEntries.map((e) => new TextDecoder().decode(e.data))).toEqual([
      'a',
      'b',
    ]);
    expect(second.committedEntries[1]?.context).toBe(context);
    node.advance();
  });

  it('answers reads with its commit index, and not before it has committed in its term', () => {
    const storage = new MemoryStorage(solo);
    const node = start(storage);
    node.campaign();
    const first = node.ready();
    storage.setHardState(first.hardState ?? { term: 0, vote: 0n, commit: 0 });
    node.advance();
    expect(node.role).toBe('leader');
    node.readIndex(bytes('early'));
    expect(node.ready().readStates).toEqual([]);
    storage.append([{ term: 1, index: 1, type: 'normal', data: new Uint8Array(0) }]);
    node.advance();
    expect(drain(node, storage).reads).toEqual([{ index: 1, context: bytes('early') }]);
    node.readIndex(bytes('late'));
    expect(drain(node, storage).reads).toEqual([{ index: 1, context: bytes('late') }]);
  });

  it('goes on where it was after a restart', () => {
    const storage = new MemoryStorage(solo);
    const node = start(storage);
    node.campaign();
    drain(node, storage);
    node.propose([bytes('a'), bytes('b'), bytes('c')]);
    drain(node, storage);
    storage.createSnapshot(3, solo, bytes('ab'));
    storage.compact(3);

    const again = start(storage, { applied: 3 });
    const { applied } = drain(again, storage);
    expect(applied.map((e) => e.index)).toEqual([4]);
    again.campaign();
    expect(drain(again, storage).applied.map((e) => [e.term, e.index])).toEqual([[2, 5]]);
  });

  it('founds a group with its membership in the log', () => {
    const storage = new MemoryStorage();
    const node = start(storage);
    node.bootstrap([{ id: 1n, context: bytes('{}') }]);
    const { applied } = drain(node, storage);
    expect(applied.map((e) => e.type)).toEqual(['confChange']);
    node.campaign();
    drain(node, storage);
    expect(node.status()).toMatchObject({ hardState: { term: 2 }, softState: { leader: 1n } });
  });
});
