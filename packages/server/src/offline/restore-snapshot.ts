import type { Engine } from '@kvorum/mvcc';
import type { Disk } from '@kvorum/wal';
import { APPLIED_INDEX_ROW, CONF_STATE_ROW, encodeAppliedIndex } from '../apply/applied-index.ts';
import { encodeConfState } from '../codec/raft-records.ts';
import type { EngineFolders } from '../engine-folders.ts';
import type { Logger } from '../logging/logger.ts';
import { Cluster } from '../membership/cluster.ts';
import { formatId } from '../membership/ids.ts';
import type { ByteSource } from '../snapshot/bolt-file.ts';
import { EtcdDatabase } from './etcd-database.ts';
import { type ImportChanges, type ImportedCounts, importDatabase } from './import-database.ts';
import { NewDataFolder } from './new-folder.ts';
import { OfflineError } from './offline-error.ts';
import type { Progress } from './progress.ts';
import { type ClusterFlags, type RestoredCluster, restoredCluster } from './restored-cluster.ts';
import {
  createRestoredLog,
  foundedConfState,
  foundingChanges,
  RESTORED_TERM,
} from './restored-log.ts';
import { hasSnapshotHash, verifySnapshotHash } from './snapshot-hash.ts';
import { snapshotStatus } from './snapshot-status.ts';

/** What `etcdutl snapshot restore` is told. */
export interface RestoreRequest extends ClusterFlags, ImportChanges {
  /** The snapshot: a file that `snapshot save` made, or a copy of an etcd's database. */
  readonly path: string;
  /** Folder of the member; empty or not there. */
  readonly dataDir: string;
  /** Folder of the log when it isn't within the data folder; not there. */
  readonly walDir: string | undefined;
  /** Takes a file without a hash, and one with a wrong one. */
  readonly skipHashCheck: boolean;
}

/** What the work is done with. */
export interface RestoreTools {
  readonly disk: Disk;
  readonly engines: EngineFolders;
  readonly logger: Logger;
  readonly progress: Progress;
  /** Bytes of a segment of the log; etcd's 64,000,000 unless a test wants fewer. */
  readonly walSegmentBytes?: number;
}

/** What was restored. */
export interface Restored extends ImportedCounts {
  readonly cluster: RestoredCluster;
  readonly users: number;
  readonly roles: number;
  /** The new cluster asks who calls. */
  readonly isAuthEnabled: boolean;
}

/**
 * Makes the data folder of a member of a new cluster, with all that a snapshot holds but the members it had. A server
 * that is started on it, with the same --initial-cluster at all members, goes on at the snapshot's revision.
 *
 * All or nothing: it is built under another name and gets its own when it is complete and on disk. Rejects with
 * `OfflineError`, `ConfigError` or `DatabaseFileError`, with what the disk says, and with what `progress` rejected with.
 */
export async function restoreSnapshot(
  request: RestoreRequest,
  tools: RestoreTools,
): Promise<Restored> {
  const { disk, engines, logger, progress } = tools;
  const cluster = restoredCluster(request);
  const folder = new NewDataFolder(disk, engines, request.dataDir, request.walDir);
  const fields = {
    path: request.path,
    'wal-dir': request.walDir ?? `${request.dataDir}/member/wal`,
    'data-dir': request.dataDir,
  };
  logger.info('restoring snapshot', fields);
  const file = disk.open(request.path);
  try {
    const database = await openVerified(file, request.skipHashCheck, progress);
    const auth = database.auth();
    const counts = await build(folder, database, cluster, request, tools);
    for (const { id, peerUrls } of cluster.members) {
      logger.info('added member', {
        'cluster-id': formatId(cluster.clusterId),
        'added-peer-id': formatId(id),
        'added-peer-peer-urls': peerUrls,
      });
    }
    logger.info('restored snapshot', fields);
    const [users, roles] = [auth.users.length, auth.roles.length];
    const isAuthEnabled = auth.isEnabled && !request.withoutAuth;
    return { ...counts, cluster, users, roles, isAuthEnabled };
  } finally {
    file.close();
  }
}

/** Opens a snapshot of which every page is known to be sound, and, by its hash, every byte to be right. */
async function openVerified(
  source: ByteSource,
  skipHashCheck: boolean,
  progress: Progress,
): Promise<EtcdDatabase> {
  if (!skipHashCheck) {
    if (!hasSnapshotHash(source)) {
      const text = 'snapshot missing hash but --skip-hash-check=false';
      throw new OfflineError('hash', text);
    }
    await verifySnapshotHash(source, progress);
  }
  const database = EtcdDatabase.open(source);
  await snapshotStatus(database, progress);
  return database;
}

async function build(
  folder: NewDataFolder,
  database: EtcdDatabase,
  cluster: RestoredCluster,
  request: RestoreRequest,
  { disk, engines, progress, walSegmentBytes }: RestoreTools,
): Promise<ImportedCounts> {
  try {
    folder.begin();
    const engine = await engines.open(`${folder.memberDir}/db`);
    let counts: ImportedCounts;
    try {
      writeMembership(engine, cluster, database.clusterVersion());
      counts = await importDatabase(database, engine, request, progress);
    } finally {
      await engine.close();
    }
    // When it opens, RocksDB writes what its log holds into tables: better now than when the server starts.
    await (await engines.open(`${folder.memberDir}/db`)).close();
    createRestoredLog(disk, folder.walDir, cluster, walSegmentBytes);
    folder.finish();
    return counts;
  } catch (error) {
    folder.abandon();
    throw error;
  }
}

/** What the store of a member holds that has applied the founding of its cluster, and nothing else. */
function writeMembership(
  engine: Engine,
  cluster: RestoredCluster,
  version: string | undefined,
): void {
  const batch = engine.batch();
  const rows = {
    putMeta: (name: string, value: Uint8Array) => batch.put('meta', Buffer.from(name), value),
    deleteMeta: (name: string) => batch.delete('meta', Buffer.from(name)),
  };
  const state = new Cluster(cluster.clusterId);
  for (const change of foundingChanges(cluster)) state.applyConfChange(rows, change);
  if (version !== undefined) state.setVersion(rows, version);
  rows.putMeta(CONF_STATE_ROW, encodeConfState(foundedConfState(cluster)));
  rows.putMeta(APPLIED_INDEX_ROW, encodeAppliedIndex(cluster.members.length, RESTORED_TERM));
  batch.write();
}
