import { type Engine, StoreImport } from '@kvorum/mvcc';
import { ACTION_ACTIVATE, Alarms } from '../apply/alarms.ts';
import type { MembershipRows } from '../membership/cluster.ts';
import { AUTH_BUCKETS, AUTH_ENABLED_ROW, authRowName } from '../snapshot/auth-rows.ts';
import { DatabaseFileError } from '../snapshot/database-file-error.ts';
import type { EtcdDatabase } from './etcd-database.ts';
import { PROGRESS_BYTES, type Progress } from './progress.ts';

/** How the copy differs from the database. */
export interface ImportChanges {
  /** Added to the newest revision; 0 for none. */
  readonly bumpRevision: number;
  /** Makes the newest revision the oldest readable one. */
  readonly markCompacted: boolean;
  /** Turns authentication off in the copy; users and roles are kept. */
  readonly withoutAuth: boolean;
}

/** What was copied. */
export interface ImportedCounts {
  /** Newest revision that the store is at now. */
  readonly revision: number;
  /** Oldest readable revision; -1 for all. */
  readonly compactRevision: number;
  /** Changes of keys, old versions and deletions among them. */
  readonly revisions: number;
  readonly leases: number;
  readonly alarms: number;
}

/**
 * Fills an empty engine with a database: keys with all their revisions, leases, alarms, auth as it is, and the v2 keys.
 * What belongs to the cluster it comes from is left out. Durable when it resolves; rejects with `DatabaseFileError`, and
 * with `MvccError` "engine" when the disk refuses.
 */
export async function importDatabase(
  database: EtcdDatabase,
  engine: Engine,
  changes: ImportChanges,
  progress: Progress,
): Promise<ImportedCounts> {
  const target = new StoreImport(engine);
  const revisions = await importRevisions(database, target, progress);
  const leases = importLeases(database, target);
  const alarms = importAlarms(database, target);
  for (const bucket of AUTH_BUCKETS) {
    for (const { key, value } of database.rows(bucket)) {
      target.putMeta(authRowName(bucket, key), value);
    }
  }
  for (const { key, value } of database.v2Rows()) target.putMetaRow(key, value);
  if (changes.withoutAuth) target.putMeta(AUTH_ENABLED_ROW, Uint8Array.of(0));
  const { scheduledCompactRevision, finishedCompactRevision } = database.meta();
  const newest = Math.max(target.newestRevision, 1, scheduledCompactRevision);
  const revision = newest + changes.bumpRevision;
  if (!Number.isSafeInteger(revision)) {
    throw new RangeError(`revision ${newest} can't be raised by ${changes.bumpRevision}`);
  }
  const compactRevision = changes.markCompacted ? revision : scheduledCompactRevision;
  target.finish({
    scheduledRevision: compactRevision,
    finishedRevision: Math.min(finishedCompactRevision, compactRevision),
  });
  return { revision, compactRevision, revisions, leases, alarms };
}

async function importRevisions(
  database: EtcdDatabase,
  target: StoreImport,
  progress: Progress,
): Promise<number> {
  const total = database.file.size;
  let count = 0;
  let bytes = 0;
  let saidBytes = 0;
  for (const revision of database.revisions()) {
    // One that no change made: `--bump-revision` left it to raise the newest revision, which is compacted up to there.
    if (!revision.isEmpty) {
      inFile(() => target.add(revision));
      count += 1;
    }
    bytes += revision.size;
    if (bytes - saidBytes < PROGRESS_BYTES) continue;
    saidBytes = bytes;
    await progress('restoring', Math.min(bytes, total), total);
  }
  await progress('restoring', total, total);
  return count;
}

function importLeases(database: EtcdDatabase, target: StoreImport): number {
  let count = 0;
  for (const { id, ttlSeconds, remainingSeconds } of database.leases()) {
    target.addLease(id, ttlSeconds, remainingSeconds);
    count += 1;
  }
  return count;
}

function importAlarms(database: EtcdDatabase, target: StoreImport): number {
  const rows: MembershipRows = {
    putMeta: (name, value) => target.putMeta(name, value),
    deleteMeta: () => {},
  };
  const alarms = new Alarms();
  const raised = database.alarms();
  for (const alarm of raised)
    alarms.apply(rows, { kind: 'alarm', action: ACTION_ACTIVATE, ...alarm });
  return raised.length;
}

/** What the store says of a row is said of the file here. */
function inFile(add: () => void): void {
  try {
    add();
  } catch (error) {
    const isCorrupt = error instanceof Error && 'code' in error && error.code === 'corrupt';
    throw isCorrupt ? new DatabaseFileError('corrupt', error.message) : error;
  }
}
