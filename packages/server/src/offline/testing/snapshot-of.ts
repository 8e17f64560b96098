import { createHash } from 'node:crypto';
import { type Engine, Lessor, MemoryEngine, Store } from '@kvorum/mvcc';
import { emptyConfState } from '@kvorum/raft';
import { Cluster } from '../../membership/cluster.ts';
import { authRowName } from '../../snapshot/auth-rows.ts';
import { writeEtcdSnapshot } from '../../snapshot/etcd-snapshot.ts';
import { MemoryFile } from '../../snapshot/testing/memory-file.ts';

const OLD_MEMBER = 0x8e9e05c52164694dn;
/** User `ann` with role `reader`, and user `bob` without any: authpb.User. */
const USERS = { ann: '0a03616e6e1204686173681a06726561646572', bob: '0a03626f62' };
/** Role `reader`, which may read `k`: authpb.Role. */
const READER = '0a06726561646572120312016b';

export interface SnapshotParts {
  readonly keys: number;
  /** Default false. */
  readonly authEnabled?: boolean;
}

/**
 * A snapshot as `snapshot save` makes it of a member that has this many keys, some deleted and some overwritten, two
 * leases, an alarm, users and a role, and that was compacted.
 */
export async function snapshotOf({ keys, authEnabled = false }: SnapshotParts): Promise<Buffer> {
  const engine = new MemoryEngine();
  const store = openStore(engine);
  const lessor = Lessor.open({ store, now: () => 0 });
  const cluster = new Cluster(0xcdf818194e3a8c32n);
  fill(store, lessor, cluster, keys, authEnabled);
  const file = new MemoryFile();
  await writeEtcdSnapshot(
    {
      store,
      lessor,
      cluster,
      alarms: [{ memberId: OLD_MEMBER, alarm: 1 }],
      appliedIndex: 400,
      term: 7,
      confState: { ...emptyConfState, voters: [OLD_MEMBER] },
    },
    file,
    async () => {},
  );
  return withHash(file.bytes);
}

/** Database and its SHA-256. */
export function withHash(database: Uint8Array): Buffer {
  return Buffer.concat([database, createHash('sha256').update(database).digest()]);
}

/** Turns of the event loop that come when they come. */
export function openStore(engine: Engine): Store {
  return Store.open({ engine, turn: setImmediate, now: () => 0 });
}

function fill(
  store: Store,
  lessor: Lessor,
  cluster: Cluster,
  keys: number,
  authEnabled: boolean,
): void {
  const batch = store.batch();
  lessor.grant(batch, 11n, 600);
  lessor.grant(batch, 0x7fff_ffff_ffff_ffffn, 60);
  for (let i = 0; i < keys + 20; i++) {
    const txn = batch.begin();
    const key = Buffer.from(`key/${String(i % keys).padStart(6, '0')}`);
    if (i % 10 === 9) txn.deleteRange(Buffer.from('key/000003'), Buffer.from('key/000005'));
    else txn.put(key, Buffer.alloc(i % 90, i), i % 4 === 0 ? 11n : 0n);
    txn.end();
  }
  batch.compact(10);
  cluster.setVersion(batch, '3.7.0');
  const peerUrls = ['http://localhost:2380'];
  const context = JSON.stringify({ id: 1, name: 'old', peerURLs: peerUrls });
  cluster.applyConfChange(batch, {
    id: 0n,
    type: 'addNode',
    nodeId: OLD_MEMBER,
    context: Buffer.from(context),
  });
  for (const [name, row] of Object.entries(USERS)) {
    batch.putMeta(authRowName('authUsers', Buffer.from(name)), Buffer.from(row, 'hex'));
  }
  batch.putMeta(authRowName('authRoles', Buffer.from('reader')), Buffer.from(READER, 'hex'));
  const enabled = authRowName('auth', Buffer.from('authEnabled'));
  batch.putMeta(enabled, Uint8Array.of(authEnabled ? 1 : 0));
  batch.commit();
}
