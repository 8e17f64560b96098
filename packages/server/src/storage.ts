import { type Engine, MemoryEngine, Store } from '@kvorum/mvcc';
import { type ConfState, emptyConfState } from '@kvorum/raft';
import type { Disk, DiskLock } from '@kvorum/wal';
import { APPLIED_INDEX_ROW, CONF_STATE_ROW, decodeAppliedIndex } from './apply/applied-index.ts';
import type { Clock } from './clock.ts';
import { decodeConfState } from './codec/raft-records.ts';
import { MemoryRaftLog, type OpenRaftLog, RaftLog } from './raft-log.ts';

export interface StorageOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Folder of everything durable. */
  readonly dataDir: string;
  /** Folder of the log when it isn't `<dataDir>/member/wal`. */
  readonly walDir: string | undefined;
  /** Nothing is kept: neither store nor log touch the disk. */
  readonly inMemory: boolean;
  /** Opens the engine of the store in a folder. */
  readonly openEngine: (path: string) => Promise<Engine>;
  readonly cacheBytes: number;
  readonly unsafeNoFsync: boolean;
  /** Bytes of a segment of the log; undefined for etcd's size. */
  readonly walSegmentBytes: number | undefined;
  readonly compactionBatchLimit: number;
  /** Who the member is if there is no log yet. */
  readonly founder: { readonly memberId: bigint; readonly clusterId: bigint };
}

/** What a member keeps: its store, its log, and the lock that makes sure it's the only one to. */
export interface OpenStorage {
  readonly store: Store;
  readonly log: OpenRaftLog;
  readonly appliedIndex: number;
  readonly confState: ConfState;
  close(): Promise<void>;
}

/**
 * Opens store and log of a data folder, or makes them. Rejects with a message for people: the folder is in use, the log
 * is damaged or missing, the disk refuses.
 */
export async function openStorage(options: StorageOptions): Promise<OpenStorage> {
  if (options.inMemory) return openInMemory(options);
  const { disk, dataDir } = options;
  const memberDir = `${dataDir}/member`;
  makeFolder(disk, memberDir);
  const lock = disk.lock(`${memberDir}/lock`);
  try {
    return await openOnDisk(options, memberDir, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openOnDisk(
  options: StorageOptions,
  memberDir: string,
  lock: DiskLock,
): Promise<OpenStorage> {
  const { disk, unsafeNoFsync, founder, walSegmentBytes } = options;
  makeFolder(disk, `${memberDir}/snap`);
  const dir = options.walDir ?? `${memberDir}/wal`;
  makeFolder(disk, folderOf(dir));
  const engine = await options.openEngine(`${memberDir}/db`);
  const store = openStore(options, engine);
  try {
    const applied = readApplied(store);
    const logOptions = {
      disk,
      dir,
      unsafeNoFsync,
      ...(walSegmentBytes === undefined ? {} : { segmentBytes: walSegmentBytes }),
    };
    if (!RaftLog.exists(logOptions)) {
      if (applied.index > 0) {
        throw new Error(
          `${memberDir}/db holds data but there is no write-ahead log in ${dir}: ` +
            'restore the log, or start with an empty data folder',
        );
      }
      RaftLog.create(logOptions, founder);
    }
    const log = RaftLog.open(logOptions, applied);
    return {
      store,
      log,
      appliedIndex: applied.index,
      confState: applied.confState,
      async close() {
        log.close();
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openInMemory(options: StorageOptions): OpenStorage {
  const store = openStore(options, new MemoryEngine());
  const log = new MemoryRaftLog(options.founder);
  const close = () => store.close();
  return { store, log, appliedIndex: 0, confState: emptyConfState, close };
}

function openStore(options: StorageOptions, engine: Engine): Store {
  const { clock, cacheBytes, compactionBatchLimit } = options;
  return Store.open({
    engine,
    cacheBytes,
    compaction: { batchLimit: compactionBatchLimit },
    turn: clock.nextTurn,
    now: clock.nowMs,
  });
}

function readApplied(store: Store): { index: number; term: number; confState: ConfState } {
  const { index, term } = decodeAppliedIndex(store.getMeta(APPLIED_INDEX_ROW));
  const row = store.getMeta(CONF_STATE_ROW);
  return { index, term, confState: row === undefined ? emptyConfState : decodeConfState(row) };
}

/**
 * Makes a folder and its missing parents so that a power cut can't take them back: what is in a folder is only as
 * durable as the names that lead to it.
 */
function makeFolder(disk: Disk, path: string): void {
  if (disk.exists(path)) return;
  const parent = folderOf(path);
  makeFolder(disk, parent);
  disk.mkdir(path);
  disk.syncDir(parent);
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
