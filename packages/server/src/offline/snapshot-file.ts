import type { Disk } from '@kvorum/wal';
import type { Member } from '../membership/cluster.ts';
import {
  EtcdDatabase,
  type StoredAuth,
  type StoredLease,
  type StoredMeta,
} from './etcd-database.ts';
import type { Progress } from './progress.ts';
import { hasSnapshotHash, verifySnapshotHash } from './snapshot-hash.ts';
import { type SnapshotStatus, snapshotStatus } from './snapshot-status.ts';

/** What a snapshot file is, and who it is of. */
export interface SnapshotContents {
  readonly status: SnapshotStatus;
  /** Whether a hash of all of it stands at its end, and agrees. */
  readonly hasHash: boolean;
  readonly meta: StoredMeta;
  readonly clusterVersion: string | undefined;
  readonly members: readonly Member[];
  readonly leases: readonly StoredLease[];
  readonly auth: StoredAuth;
  readonly alarms: readonly { readonly memberId: bigint; readonly alarm: number }[];
}

/**
 * The status of a snapshot, or of a copied database. Every page is read, and the hash at its end is compared when there
 * is one. Rejects with `DatabaseFileError`, and with what the disk says.
 */
export async function readSnapshotStatus(
  disk: Disk,
  path: string,
  progress: Progress,
): Promise<SnapshotStatus> {
  return (await readSnapshot(disk, path, progress)).status;
}

/** As `readSnapshotStatus`, with all that is in the file beside keys. */
export async function readSnapshot(
  disk: Disk,
  path: string,
  progress: Progress,
): Promise<SnapshotContents> {
  const file = disk.open(path);
  try {
    // A file that isn't a database at all is told so, and not that its hash is wrong.
    const database = EtcdDatabase.open(file);
    const hasHash = hasSnapshotHash(file);
    if (hasHash) await verifySnapshotHash(file, progress);
    return {
      status: await snapshotStatus(database, progress),
      hasHash,
      meta: database.meta(),
      clusterVersion: database.clusterVersion(),
      members: database.members(),
      leases: [...database.leases()],
      auth: database.auth(),
      alarms: database.alarms(),
    };
  } finally {
    file.close();
  }
}
