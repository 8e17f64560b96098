import { crc32c } from '@kvorum/wal';
import { BoltBucket } from '../snapshot/bolt-bucket.ts';
import { checkFreelist } from '../snapshot/bolt-freelist.ts';
import type { BoltRow } from '../snapshot/bolt-page-view.ts';
import { DatabaseFileError } from '../snapshot/database-file-error.ts';
import { PageSet } from '../snapshot/page-set.ts';
import { type EtcdDatabase, revisionOf } from './etcd-database.ts';
import { PROGRESS_BYTES, type Progress } from './progress.ts';

/** What `etcdutl snapshot status` tells of a file. */
export interface SnapshotStatus {
  /** CRC-32C of all names of buckets, keys and values. */
  readonly hash: number;
  /** Newest revision in it. */
  readonly revision: number;
  /** Rows of all buckets. */
  readonly totalKeys: number;
  /** Bytes of its pages in use, without the hash behind them. */
  readonly totalBytes: number;
  /** Since schema 3.6; empty before. */
  readonly version: string;
}

/** Buckets in buckets in buckets, of which etcd has none. */
const DEEPEST_BUCKET = 16;

/**
 * Reads every page of a database once: all of the tree, and the list of free pages, have to be sound. Rejects with
 * `DatabaseFileError`.
 */
export async function snapshotStatus(
  database: EtcdDatabase,
  progress: Progress,
): Promise<SnapshotStatus> {
  const { file } = database;
  const seen = new PageSet(file.endPage);
  let hash = 0;
  let revision = 0;
  let totalKeys = 0;
  let readBytes = 0;
  let saidBytes = 0;
  for (const row of BoltBucket.root(file).rows(seen)) {
    if (!row.isBucket) {
      const name = JSON.stringify(Buffer.from(row.key).toString('latin1'));
      throw new DatabaseFileError('corrupt', `cannot get hash of bucket ${name}`);
    }
    const isKeys = Buffer.from(row.key).toString('latin1') === 'key';
    hash = crc32c(hash, row.key);
    for (const inner of BoltBucket.of(file, row).rows(seen)) {
      hash = crc32c(hash, inner.key);
      if (inner.isBucket) checkNested(database, inner, seen, 1);
      else hash = crc32c(hash, inner.value);
      if (isKeys) revision = revisionOf(inner.key).main;
      totalKeys += 1;
      readBytes += inner.key.length + inner.value.length;
      if (readBytes - saidBytes < PROGRESS_BYTES) continue;
      saidBytes = readBytes;
      await progress('checking', Math.min(readBytes, file.size), file.size);
    }
  }
  checkFreelist(file, seen);
  await progress('checking', file.size, file.size);
  // Only now is it known that this bucket is small.
  const { storageVersion: version } = database.meta();
  return { hash: hash >>> 0, revision, totalKeys, totalBytes: file.size, version };
}

/** Reads the buckets in a bucket, for their pages; their rows are in no hash. */
function checkNested({ file }: EtcdDatabase, row: BoltRow, seen: PageSet, depth: number): void {
  const buckets = [{ row, depth }];
  for (let next = buckets.pop(); next !== undefined; next = buckets.pop()) {
    if (next.depth > DEEPEST_BUCKET) {
      throw new DatabaseFileError('corrupt', 'buckets lie too deep in others');
    }
    for (const inner of BoltBucket.of(file, next.row).rows(seen)) {
      if (inner.isBucket) buckets.push({ row: inner, depth: next.depth + 1 });
    }
  }
}
