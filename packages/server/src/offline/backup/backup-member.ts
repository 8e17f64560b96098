import { type Disk, saveSnapshot, WalError } from '@kvorum/wal';
import type { EngineFolders } from '../../engine-folders.ts';
import type { Logger } from '../../logging/logger.ts';
import { formatId } from '../../membership/ids.ts';
import { hasStore } from '../data-folder.ts';
import { OfflineError } from '../offline-error.ts';
import type { Progress } from '../progress.ts';
import {
  appliedIndexOf,
  copyDatabase,
  type DatabaseOwner,
  writeEmptyDatabase,
} from './backup-database.ts';
import { BackupFolder } from './backup-folder.ts';
import { createBackupLog } from './backup-log.ts';
import { backupSnapshot } from './backup-snapshot.ts';
import { newIdentity } from './identity.ts';
import { keptEntry } from './kept-entry.ts';
import { readSourceLog, type SourceLog } from './source-log.ts';

/** What `etcdctl backup` of the v2 API, and `etcdutl backup`, are told. */
export interface BackupRequest {
  /** The data folder of a member of etcd 3.4 or 3.5. */
  readonly dataDir: string;
  /** Where its log is when that isn't within the data folder. */
  readonly walDir: string | undefined;
  /** The data folder of the backup. Its folders `member/snap` and `member/wal` are empty or not there. */
  readonly backupDir: string;
  /** Where its log goes when that isn't to be within it; empty or not there. */
  readonly backupWalDir: string | undefined;
  /** Takes the keys of the v3 API, too: then etcd must not be running. */
  readonly withV3: boolean;
}

/** What the work is done with. */
export interface BackupTools {
  readonly disk: Disk;
  readonly engines: EngineFolders;
  readonly logger: Logger;
  readonly progress: Progress;
  /** Numbers in [0, 1), for ids. */
  readonly random: () => number;
  /** Bytes of a segment of the log; etcd's 64,000,000 unless a test wants fewer. */
  readonly walSegmentBytes?: number;
}

/** What was copied. */
export interface BackedUp {
  /** Of the last entry that the backup has. */
  readonly index: number;
  readonly entries: number;
  /** Entries whose contents were left out: what they did to the membership, or to keys that nobody asked for. */
  readonly blanked: number;
}

/**
 * Copies the data folder of a member of etcd in such a way that a new cluster can begin with it, and nothing else: etcd
 * has to be started on the copy with --force-new-cluster. The copy has ids of its own, and none of the members.
 *
 * All or nothing: it is built under other names and gets its own when it is complete and on disk; nothing in the source
 * is changed. Rejects with `OfflineError`, `WalError` or `DatabaseFileError`, with what the disk says, and with what
 * `progress` rejected with.
 */
export async function backupMember(request: BackupRequest, tools: BackupTools): Promise<BackedUp> {
  const { disk, engines, logger } = tools;
  const { dataDir, backupDir, withV3 } = request;
  const snapDir = `${dataDir}/member/snap`;
  mustBeEtcds(request, tools, snapDir);
  const folder = new BackupFolder(disk, engines, backupDir, request.backupWalDir);
  const databasePath = `${snapDir}/db`;
  if (withV3 && !disk.exists(databasePath)) {
    throw new OfflineError('missing', `there is no database ${databasePath}`);
  }
  // Before the log: that may grow meanwhile, and has all that was applied.
  const appliedIndex = appliedIndexOf(disk, databasePath);
  const walDir = request.walDir ?? `${dataDir}/member/wal`;
  const log = readSourceLog(disk, walDir, snapDir);
  mustReach(walDir, log, appliedIndex);
  warnOf(log, logger);
  const { counts, memberId } = await build(folder, log, appliedIndex, request, tools);
  logger.info('backed up', {
    'backup-dir': backupDir,
    'member-id': formatId(memberId),
    'raft-index': counts.index,
    entries: counts.entries,
    'blanked-entries': counts.blanked,
    'with-v3': withV3,
  });
  return counts;
}

function mustBeEtcds(
  { dataDir }: BackupRequest,
  { disk, engines }: BackupTools,
  snapDir: string,
): void {
  if (!disk.exists(dataDir)) throw new OfflineError('missing', `there is no folder ${dataDir}`);
  if (hasStore(engines, `${dataDir}/member`)) {
    const text =
      `${dataDir} is a data directory of Kvorum, not of etcd: start Kvorum on it, save a snapshot with ` +
      '"kvctl snapshot save FILE", and make a data directory of that with "kvutl snapshot restore FILE"';
    throw new OfflineError('foreign', text);
  }
  if (!disk.exists(snapDir)) {
    const text = `${dataDir} is no data directory of etcd: it has no folder member/snap`;
    throw new OfflineError('missing', text);
  }
}

/** Throws `WalError` "corrupt" when the log ends before what the database has. */
function mustReach(walDir: string, { snapshot, entries }: SourceLog, appliedIndex: number): void {
  const lastIndex = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  if (appliedIndex <= lastIndex) return;
  const text = `the log ends at index ${lastIndex}, but the database has applied ${appliedIndex}`;
  throw new WalError('corrupt', `${walDir}: ${text}`);
}

function warnOf({ torn, damaged }: SourceLog, logger: Logger): void {
  for (const text of damaged) logger.warn('left out a damaged snapshot', { error: text });
  if (torn === null) return;
  const { file, offset, reason } = torn;
  logger.warn('left out an unfinished record at the end of the log', {
    path: file,
    offset,
    error: reason,
  });
}

async function build(
  folder: BackupFolder,
  log: SourceLog,
  appliedIndex: number,
  request: BackupRequest,
  tools: BackupTools,
): Promise<{ readonly counts: BackedUp; readonly memberId: bigint }> {
  const { disk, progress, walSegmentBytes } = tools;
  const { dataDir, withV3 } = request;
  const identity = newIdentity(tools.random);
  const { snapshot } = log;
  const owner: DatabaseOwner = { identity, hasPlaceholder: snapshot !== null };
  // What was applied was committed, even if the note of it didn't reach the log.
  const commit = Math.max(log.state.commit, withV3 ? appliedIndex : 0);
  const state = { term: log.state.term, vote: 0n, commit };
  const entries = log.entries.map((entry) => keptEntry(entry, withV3));
  try {
    folder.begin();
    if (snapshot !== null) {
      const { index, term } = snapshot;
      const data = backupSnapshot(snapshot, identity);
      saveSnapshot({ disk, dir: folder.snapDir, index, term, data });
    }
    const database = `${folder.snapDir}/db`;
    if (withV3) {
      await copyDatabase(disk, `${dataDir}/member/snap/db`, database, owner, progress);
    } else {
      await writeEmptyDatabase(disk, database, owner, { index: commit, term: state.term });
    }
    disk.syncDir(folder.snapDir);
    const contents = { identity, snapshot: snapshot ?? undefined, entries, state };
    await createBackupLog(disk, folder.walDir, contents, progress, walSegmentBytes);
    folder.finish();
  } catch (error) {
    folder.abandon();
    throw error;
  }
  const blanked = entries.filter((entry, i) => entry !== log.entries[i]).length;
  const index = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  return { counts: { index, entries: entries.length, blanked }, memberId: identity.memberId };
}
