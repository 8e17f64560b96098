import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HashKvResult } from '@kvorum/mvcc';
import { type OfflineTools, openOfflineStore, withMemberStore } from './data-folder.ts';
import { EtcdDatabase } from './etcd-database.ts';
import { importDatabase } from './import-database.ts';
import type { Progress } from './progress.ts';
import { snapshotStatus } from './snapshot-status.ts';

/** What is hashed, and how far. */
export interface HashKvRequest {
  /** A snapshot, a copy of an etcd's database, or the data folder of a member that doesn't run. */
  readonly path: string;
  /** Up to which revision; 0 for the newest. */
  readonly revision: number;
  /** Where a file is unpacked meanwhile: as much room as the file takes. */
  readonly scratchDir: string;
}

/**
 * What `etcdctl endpoint hashkv` would say of a member with this state. A file is copied into a store first and hashed by
 * the server's own code: that takes room on disk but no memory. Rejects with `MvccError` "compacted" or "futureRevision",
 * and like `importDatabase` and `withMemberStore`.
 */
export async function hashKv(
  { path, revision, scratchDir }: HashKvRequest,
  tools: OfflineTools,
  progress: Progress,
): Promise<HashKvResult> {
  if (statSync(path).isDirectory()) {
    return withMemberStore(path, tools, (store) => store.hashKv(revision));
  }
  const scratch = mkdtempSync(join(scratchDir, 'kvorum-hashkv-'));
  const file = tools.disk.open(path);
  try {
    const database = EtcdDatabase.open(file);
    await snapshotStatus(database, progress);
    const engine = await tools.engines.open(join(scratch, 'db'));
    try {
      const unchanged = { bumpRevision: 0, markCompacted: false, withoutAuth: false };
      await importDatabase(database, engine, unchanged, progress);
      const store = openOfflineStore(engine, tools);
      return await store.hashKv(revision).finally(() => store.close());
    } finally {
      await engine.close();
    }
  } finally {
    file.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}
