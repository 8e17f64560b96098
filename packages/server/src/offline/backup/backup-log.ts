import { type Entry, emptyConfState, type HardState } from '@kvorum/raft';
import { type Disk, Wal, type WalRecord } from '@kvorum/wal';
import {
  encodeEntry,
  encodeHardState,
  encodeWalMetadata,
  encodeWalSnapshot,
} from '../../codec/raft-records.ts';
import { PROGRESS_BYTES, type Progress } from '../progress.ts';
import type { Identity } from './identity.ts';

/** What the log of a backup holds. */
export interface BackupLog {
  readonly identity: Identity;
  /** The snapshot that it begins with; undefined when its entries begin with the first one. */
  readonly snapshot: { readonly index: number; readonly term: number } | undefined;
  readonly entries: readonly Entry[];
  readonly state: HardState;
}

/** Makes the log of a backup, durably. */
export async function createBackupLog(
  disk: Disk,
  dir: string,
  { identity, snapshot, entries, state }: BackupLog,
  progress: Progress,
  segmentBytes: number | undefined,
): Promise<void> {
  const metadata = encodeWalMetadata(identity.memberId, identity.clusterId);
  const sized = segmentBytes === undefined ? {} : { segmentBytes };
  const wal = Wal.create({ disk, dir, metadata, ...sized });
  try {
    // Segments that come repeat the state, so it is there before entries that may need more of them.
    const head: WalRecord[] = [{ type: 'state', data: encodeHardState(state) }];
    if (snapshot !== undefined) {
      const { index, term } = snapshot;
      const confState = { ...emptyConfState, voters: [identity.placeholder.id] };
      head.unshift({ type: 'snapshot', index, data: encodeWalSnapshot(index, term, confState) });
    }
    wal.append(head);
    await appendEntries(wal, entries, progress);
    wal.syncNow();
  } finally {
    wal.close();
  }
}

async function appendEntries(
  wal: Wal,
  entries: readonly Entry[],
  progress: Progress,
): Promise<void> {
  const total = entries.reduce((sum, { data }) => sum + data.length, 0);
  let done = 0;
  let batch: WalRecord[] = [];
  let batchBytes = 0;
  for (const entry of entries) {
    batch.push({ type: 'entry', index: entry.index, data: encodeEntry(entry) });
    batchBytes += entry.data.length;
    if (batchBytes < PROGRESS_BYTES) continue;
    wal.append(batch);
    done += batchBytes;
    batch = [];
    batchBytes = 0;
    await progress('writing', done, total);
  }
  wal.append(batch);
  await progress('writing', total, total);
}
