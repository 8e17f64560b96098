import { Lessor, MemoryEngine, Store } from '@kvorum/mvcc';
import { emptyConfState } from '@kvorum/raft';
import { describe, expect, it } from 'vitest';
import { v2Request } from '../codec/v2-request.ts';
import { Cluster } from '../membership/cluster.ts';
import { EtcdDatabase } from '../offline/etcd-database.ts';
import { importDatabase } from '../offline/import-database.ts';
import { writeEtcdSnapshot } from '../snapshot/etcd-snapshot.ts';
import { MemoryFile } from '../snapshot/testing/memory-file.ts';
import { StoreView } from './node-view.ts';
import { readNode } from './read-node.ts';
import { V2Store } from './v2-store.ts';

function open(engine: MemoryEngine): Store {
  return Store.open({ engine, turn: setImmediate, now: () => 0 });
}

async function snapshotOf(store: Store): Promise<Buffer> {
  const file = new MemoryFile();
  const source = {
    store,
    lessor: Lessor.open({ store, now: () => 0 }),
    cluster: new Cluster(1n),
    alarms: [],
    appliedIndex: 9,
    term: 2,
    confState: { ...emptyConfState, voters: [1n] },
  };
  await writeEtcdSnapshot(source, file, async () => {});
  return Buffer.from(file.bytes);
}

function databaseOf(bytes: Buffer): EtcdDatabase {
  return EtcdDatabase.open(new MemoryFile(bytes));
}

const changes = { bumpRevision: 0, markCompacted: false, withoutAuth: false };

describe('a snapshot for clients', () => {
  it('has the v2 keys, with directories, indexes, expirations and users', async () => {
    const store = open(new MemoryEngine());
    const v2 = new V2Store();
    const batch = store.batch();
    for (const request of [
      v2Request('PUT', { path: '/1/a/b', value: '1' }),
      v2Request('PUT', { path: '/1/odd\xff\x00', value: '\xfe', expirationNs: 2n ** 60n }),
      v2Request('PUT', { path: '/1/empty', isDir: true }),
      v2Request('POST', { path: '/1/queue', value: 'job' }),
      v2Request('PUT', { path: '/2/users/ada', value: '{"user":"ada"}' }),
      v2Request('PUT', { path: '/2/enabled', value: 'true' }),
    ]) {
      v2.apply(batch, request);
    }
    batch.commit();

    const engine = new MemoryEngine();
    await importDatabase(databaseOf(await snapshotOf(store)), engine, changes, async () => {});
    const restored = open(engine);
    const other = new V2Store();
    other.load(engine);
    const turns = { nowMs: () => 0, nextTurn: setImmediate };
    const all = (at: Store, { index }: V2Store) =>
      readNode(at, { path: '/1', isRecursive: true, nowNs: 0n, index }, turns);
    expect(await all(restored, other)).toBe(await all(store, v2));
    expect(other.index).toBe(v2.index);
    expect(other.nextExpirationNs).toBe(2n ** 60n);
    expect(new StoreView(restored).valueOf('/2/users/ada')).toBe('{"user":"ada"}');
    expect([v2.isAuthEnabled, other.isAuthEnabled]).toEqual([true, true]);
    // The history is not: who asks for the past is told nothing of it, and hears what comes.
    const next = restored.batch();
    other.apply(next, v2Request('PUT', { path: '/1/new', value: '1' }));
    other.apply(next, v2Request('PUT', { path: '/2/enabled', value: 'false', prevExist: true }));
    expect(other.isAuthEnabled).toBe(false);
    other.apply(next, v2Request('PUT', { path: '/2/enabled', value: 'true', prevExist: true }));
    other.apply(next, v2Request('DELETE', { path: '/2/enabled' }));
    expect(other.isAuthEnabled).toBe(false);
    next.commit();
    expect(other.history.startIndex).toBe(v2.index + 1);
  });

  it('has nothing of them where nobody has used them', async () => {
    const store = open(new MemoryEngine());
    const batch = store.batch();
    new V2Store().skip(batch, 3);
    batch.commit();
    expect(databaseOf(await snapshotOf(store)).bucketNames()).not.toContain('kvorum_v2');
  });
});
