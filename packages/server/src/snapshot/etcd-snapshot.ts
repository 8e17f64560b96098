import { isTombstoneRow, type Lessor, type Scan, type Store, wireOfRevsRow } from '@kvorum/mvcc';
import type { ConfState } from '@kvorum/raft';
import type { DiskFile } from '@kvorum/wal';
import type { Alarm } from '../apply/alarms.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import { type Cluster, memberToJson } from '../membership/cluster.ts';
import { formatId } from '../membership/ids.ts';
import { V2_BUCKET, v2SnapshotRows } from '../v2/v2-rows.ts';
import { authRowsOf } from './auth-rows.ts';
import { BoltWriter } from './bolt-writer.ts';

export interface SnapshotSource {
  readonly store: Store;
  readonly lessor: Lessor;
  readonly cluster: Cluster;
  readonly alarms: readonly Alarm[];
  readonly appliedIndex: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** Ends the names of database files that are written to be sent to a client, and removed then. */
export const SENT_FILE_SUFFIX = '.snap.tmp';

/** Rows written between two looks at the clock. */
const ROWS_PER_SLICE = 256;
/** Bytes of a revision in etcd's key bucket: main, `_`, sub; tombstones have a `t` behind it. */
const REVISION_BYTES = 17;
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;

/**
 * Writes the state of a member at one moment as an etcd database, the file that `etcdctl snapshot save` gets and that
 * `etcdutl snapshot restore` takes. The moment is that of the call; `yieldTurn` lets other work run in between.
 * Resolves with the size of the file in bytes.
 */
export async function writeEtcdSnapshot(
  source: SnapshotSource,
  file: DiskFile,
  yieldTurn: () => Promise<void>,
): Promise<number> {
  // Everything that is small is read, and the large column opened, before anything else can run.
  const revisions = source.store.engine.scan('revs');
  const small = smallBuckets(source);
  try {
    const writer = new BoltWriter(file);
    for (const [name, rows] of small) {
      writer.bucket(name);
      if (name === 'key') await copyRevisions(revisions, writer, yieldTurn);
      for (const [key, value] of rows) writer.put(key, value);
    }
    return writer.finish();
  } finally {
    revisions.close();
  }
}

type Rows = readonly (readonly [Uint8Array, Uint8Array])[];

/** Every bucket of etcd's schema, in order of names; the large one is empty here. */
function smallBuckets(source: SnapshotSource): [string, Rows][] {
  const { cluster, lessor, alarms } = source;
  const { engine } = source.store;
  const leases = lessor.all().map(({ id, ttlSeconds, remainingSeconds }): Rows[number] => {
    const lease = new ProtoWriter(32).tag(0x08).int64(id).tag(0x10).uint(ttlSeconds);
    if (remainingSeconds > 0) lease.tag(0x18).uint(remainingSeconds);
    return [uint64(id), lease.take()];
  });
  const raised = alarms.map(({ memberId, alarm }): Rows[number] => {
    const row = new ProtoWriter(16).tag(0x08).int64(memberId).tag(0x10).uint(alarm);
    return [row.take(), new Uint8Array(0)];
  });
  const members = cluster
    .members()
    .map((member): Rows[number] => [text(formatId(member.id)), text(memberToJson(member))]);
  const v2 = v2SnapshotRows(engine);
  return [
    ['alarm', sorted(raised)],
    ['auth', authRowsOf(engine, 'auth')],
    ['authRoles', authRowsOf(engine, 'authRoles')],
    ['authUsers', authRowsOf(engine, 'authUsers')],
    [
      'cluster',
      cluster.version === undefined ? [] : [[text('clusterVersion'), text(cluster.version)]],
    ],
    ['key', []],
    // etcd and its tools leave a bucket alone that they don't know.
    ...(v2.length === 0 ? [] : [[V2_BUCKET, v2] satisfies [string, Rows]]),
    ['lease', sorted(leases)],
    ['members', sorted(members)],
    ['members_removed', []],
    ['meta', sorted(metaRows(source))],
  ];
}

function metaRows(source: SnapshotSource): Rows {
  const { store, confState, cluster } = source;
  const rows: (readonly [Uint8Array, Uint8Array])[] = [
    [text('consistent_index'), uint64(BigInt(source.appliedIndex))],
    [text('term'), uint64(BigInt(source.term))],
    [text('confState'), text(confStateJson(confState))],
  ];
  if (store.compactRevision > 0) {
    // Scheduled but not finished: whoever restores the file removes what is still to be removed.
    rows.push([text('scheduledCompactRev'), revisionKey(store.compactRevision, 0, false)]);
  }
  if (cluster.version !== undefined) rows.push([text('storageVersion'), text(cluster.version)]);
  return rows;
}

async function copyRevisions(
  scan: Scan,
  writer: BoltWriter,
  yieldTurn: () => Promise<void>,
): Promise<void> {
  for (;;) {
    const rows = scan.next(ROWS_PER_SLICE);
    if (rows.length === 0) return;
    for (let i = 0; i < rows.length; i += 2) {
      const key = Buffer.from(rows[i] as Uint8Array);
      const row = rows[i + 1] as Uint8Array;
      const main = Number(key.readBigUInt64BE(0));
      const sub = key.readUInt32BE(8);
      writer.put(revisionKey(main, sub, isTombstoneRow(row)), wireOfRevsRow(row));
    }
    await yieldTurn();
  }
}

/** A revision as etcd's key bucket has it. */
function revisionKey(main: number, sub: number, tombstone: boolean): Buffer {
  const key = Buffer.alloc(tombstone ? REVISION_BYTES + 1 : REVISION_BYTES);
  key.writeBigUInt64BE(BigInt(main), 0);
  key[8] = UNDERSCORE;
  key.writeBigUInt64BE(BigInt(sub), 9);
  if (tombstone) key[REVISION_BYTES] = TOMBSTONE_MARK;
  return key;
}

/** The row of a ConfState. Ids are JSON numbers beyond what JSON.stringify writes exactly. */
export function confStateJson(state: ConfState): string {
  const { voters, learners, autoLeave } = state;
  const parts = [`"voters":[${voters.join(',')}]`];
  if (learners.length > 0) parts.push(`"learners":[${learners.join(',')}]`);
  return `{${[...parts, `"auto_leave":${autoLeave}`].join(',')}}`;
}

function sorted(rows: Rows): Rows {
  return [...rows].sort(([a], [b]) => Buffer.compare(a, b));
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(value);
}
