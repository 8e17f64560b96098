import type { Entry, HardState } from '@kvorum/raft';
import {
  DEFAULT_SEGMENT_BYTES,
  type Disk,
  type LoadedSnapshot,
  loadNewestSnapshot,
  readWal,
  type TornTail,
  type WalContents,
  WalError,
  type WalRecord,
} from '@kvorum/wal';
import { decodeEntry, decodeHardState } from '../../codec/raft-records.ts';

/** What the log of a member of etcd holds, from its newest snapshot on. */
export interface SourceLog {
  /** Null when the log goes back to the first entry. */
  readonly snapshot: LoadedSnapshot | null;
  readonly state: HardState;
  /** All behind the snapshot, without a gap; the last of them need not be committed. */
  readonly entries: readonly Entry[];
  /** What an interrupted append has left at the end, and is not among the entries. */
  readonly torn: TornTail | null;
  /** Snapshot files that were passed over because they are damaged: paths with reasons. */
  readonly damaged: readonly string[];
}

/**
 * Reads the log of a member and changes nothing in its folders; it may be running. A snapshot file counts when the log
 * knows it: etcd writes the file first, so a crash can leave one that nobody relies on.
 *
 * Throws `WalError` "missing", "corrupt" or "io".
 */
export function readSourceLog(disk: Disk, walDir: string, snapDir: string): SourceLog {
  const passedOver = new Set<string>();
  const damaged: string[] = [];
  for (;;) {
    const snapshot = loadNewestSnapshot({
      disk,
      dir: snapDir,
      leaveBroken: true,
      accept: (term, index) => !passedOver.has(`${term}-${index}`),
      onBroken: (file, reason) => damaged.push(`${file}: ${reason}`),
    });
    const index = snapshot?.index ?? 0;
    const contents = readWal({ disk, dir: walDir, snapshotIndex: index });
    mustNotBeCut(disk, contents.torn);
    if (snapshot === null || isKnown(contents.records, index)) {
      return logOf(walDir, snapshot, contents, [...new Set(damaged)]);
    }
    passedOver.add(`${snapshot.term}-${snapshot.index}`);
  }
}

/**
 * etcd gives a segment all its bytes before it has its name. So an unfinished record at the end of a shorter file is
 * not what a crash leaves: somebody has cut it.
 */
function mustNotBeCut(disk: Disk, torn: TornTail | null): void {
  if (torn === null) return;
  const file = disk.open(torn.file);
  try {
    const size = file.size();
    if (size >= DEFAULT_SEGMENT_BYTES) return;
    const text = `offset ${torn.offset}: the file is cut off, at ${size} bytes: ${torn.reason}`;
    throw new WalError('corrupt', `${torn.file}: ${text}`, torn);
  } finally {
    file.close();
  }
}

function isKnown(records: readonly WalRecord[], snapshotIndex: number): boolean {
  return records.some((record) => record.type === 'snapshot' && record.index === snapshotIndex);
}

function logOf(
  walDir: string,
  snapshot: LoadedSnapshot | null,
  { records, state: stateBytes, torn }: WalContents,
  damaged: readonly string[],
): SourceLog {
  if (stateBytes === null) {
    throw new WalError('corrupt', `${walDir}: the log does not say what is committed`);
  }
  const state = decodeHardState(stateBytes);
  const entries = entriesBehind(walDir, snapshot?.index ?? 0, records);
  const lastIndex = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  if (state.commit > lastIndex) {
    const end = torn === null ? '' : `: ${torn.file} is damaged at offset ${torn.offset}`;
    const text = `the log ends at index ${lastIndex}, but ${state.commit} is committed${end}`;
    throw new WalError('corrupt', `${walDir}: ${text}`);
  }
  return { snapshot, state, entries, torn, damaged };
}

/** The entries behind an index in the order of theirs. */
function entriesBehind(walDir: string, index: number, records: readonly WalRecord[]): Entry[] {
  const entries: Entry[] = [];
  for (const record of records) {
    if (record.type !== 'entry' || record.index <= index) continue;
    const position = record.index - index - 1;
    if (position > entries.length) {
      const text = `entry ${index + entries.length + 1} is missing before entry ${record.index}`;
      throw new WalError('corrupt', `${walDir}: ${text}`);
    }
    // An entry replaces what stood at its index and behind.
    entries.length = position;
    entries.push(decodeEntry(record.data));
  }
  return entries;
}
