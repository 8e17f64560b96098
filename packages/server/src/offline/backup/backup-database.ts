import { emptyConfState } from '@kvorum/raft';
import type { Disk, DiskFile } from '@kvorum/wal';
import { memberToJson } from '../../membership/cluster.ts';
import { formatId } from '../../membership/ids.ts';
import { BoltWriter } from '../../snapshot/bolt-writer.ts';
import { DatabaseFileError } from '../../snapshot/database-file-error.ts';
import { confStateJson } from '../../snapshot/etcd-snapshot.ts';
import { EtcdDatabase } from '../etcd-database.ts';
import { OfflineError } from '../offline-error.ts';
import { PROGRESS_BYTES, type Progress } from '../progress.ts';
import { snapshotStatus } from '../snapshot-status.ts';
import type { Identity } from './identity.ts';

/** What a backup's database says beside keys. */
export interface DatabaseOwner {
  readonly identity: Identity;
  /** The log of the backup begins with a snapshot, which the placeholder is a member of. */
  readonly hasPlaceholder: boolean;
}

type Rows = readonly (readonly [string, Buffer])[];

/** Buckets that tell of the cluster. */
const CLUSTER_BUCKETS = ['cluster', 'members', 'members_removed'] as const;
/** Where the pages of a bbolt file begin that change with every transaction: the two metas. */
const META_PAGES = 2;

/** The index of the last entry that a database has; 0 when it can't be read, or isn't there. */
export function appliedIndexOf(disk: Disk, path: string): number {
  if (!disk.exists(path)) return 0;
  const file = disk.open(path);
  try {
    return EtcdDatabase.open(file).meta().consistentIndex;
  } catch (error) {
    // A member that runs may be writing it.
    if (error instanceof DatabaseFileError) return 0;
    throw error;
  } finally {
    file.close();
  }
}

/**
 * Makes a database without keys, durable when it resolves: a server takes it for that of a member which has applied
 * [1, index].
 */
export async function writeEmptyDatabase(
  disk: Disk,
  path: string,
  owner: DatabaseOwner,
  { index, term }: { readonly index: number; readonly term: number },
): Promise<void> {
  const meta: Rows = [
    ['consistent_index', uint64(index)],
    ['term', uint64(term)],
  ];
  await writeDurably(disk, path, (file) => {
    const writer = new BoltWriter(file);
    for (const [bucket, rows] of [...clusterRows(owner), ['meta', meta] as const]) {
      writer.bucket(bucket);
      for (const [key, value] of rows) writer.put(Buffer.from(key), value);
    }
    writer.finish();
  });
}

/**
 * A copy of a database with all its keys, revisions, leases and users, and without the members of its cluster. Durable
 * when it resolves. Rejects with `DatabaseFileError`, and with `OfflineError` "running" when the database was written
 * to meanwhile.
 */
export async function copyDatabase(
  disk: Disk,
  from: string,
  to: string,
  owner: DatabaseOwner,
  progress: Progress,
): Promise<void> {
  const source = disk.open(from);
  try {
    const database = EtcdDatabase.open(source);
    const metas = metasOf(source, database);
    const isChanged = () => !metasOf(source, database).equals(metas);
    try {
      await snapshotStatus(database, progress);
      await writeDurably(disk, to, (file) => copyBuckets(database, file, owner, progress));
    } catch (error) {
      // What looks damaged may be half of a later state.
      throw error instanceof DatabaseFileError && isChanged() ? running(from) : error;
    }
    // Pages that belong to a state are only ever overwritten after the next one has been told in a meta.
    if (isChanged()) throw running(from);
  } finally {
    source.close();
  }
}

function running(path: string): OfflineError {
  const text = `${path} is being written to: stop the etcd that runs on it, or leave out --with-v3`;
  return new OfflineError('running', text);
}

async function copyBuckets(
  database: EtcdDatabase,
  file: DiskFile,
  owner: DatabaseOwner,
  progress: Progress,
): Promise<void> {
  const writer = new BoltWriter(file);
  const total = database.file.size;
  const own = new Map<string, Rows>(clusterRows(owner));
  const names = new Set([...database.bucketNames(), ...CLUSTER_BUCKETS]);
  let bytes = 0;
  let saidBytes = 0;
  for (const name of [...names].sort()) {
    writer.bucket(name);
    const rows = own.get(name);
    for (const [key, value] of rows ?? []) writer.put(Buffer.from(key), value);
    if (rows !== undefined) continue;
    for (const { key, value } of database.rows(name)) {
      const isConfState = name === 'meta' && Buffer.from(key).toString() === 'confState';
      const kept = isConfState ? confStateOf(owner) : value;
      if (kept !== undefined) writer.put(key, kept);
      bytes += key.length + value.length;
      if (bytes - saidBytes < PROGRESS_BYTES) continue;
      saidBytes = bytes;
      await progress('copying', Math.min(bytes, total), total);
    }
  }
  writer.finish();
  await progress('copying', total, total);
}

/** The rows of the buckets that tell of the cluster. */
function clusterRows({ identity, hasPlaceholder }: DatabaseOwner): [string, Rows][] {
  const { placeholder } = identity;
  const row = [formatId(placeholder.id), Buffer.from(memberToJson(placeholder))] as const;
  return CLUSTER_BUCKETS.map((bucket) => {
    return [bucket, bucket === 'members' && hasPlaceholder ? [row] : []];
  });
}

/** Who votes; undefined where a log from the first entry on is to say it. */
function confStateOf({ identity, hasPlaceholder }: DatabaseOwner): Buffer | undefined {
  if (!hasPlaceholder) return undefined;
  return Buffer.from(confStateJson({ ...emptyConfState, voters: [identity.placeholder.id] }));
}

function metasOf(source: DiskFile, database: EtcdDatabase): Buffer {
  const bytes = Buffer.alloc(META_PAGES * database.file.pageSize);
  source.read(bytes, 0);
  return bytes;
}

/** Makes a file, and syncs it when it is written. */
async function writeDurably(
  disk: Disk,
  path: string,
  write: (file: DiskFile) => void | Promise<void>,
): Promise<void> {
  const file = disk.open(path, { create: true });
  try {
    await write(file);
    file.syncNow();
  } finally {
    file.close();
  }
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
