import { type Engine, Store } from '@kvorum/mvcc';
import { type ConfState, emptyConfState } from '@kvorum/raft';
import type { Disk, DiskLock } from '@kvorum/wal';
import { APPLIED_INDEX_ROW, CONF_STATE_ROW, decodeAppliedIndex } from './apply/applied-index.ts';
import { listMeta } from './apply/meta-rows.ts';
import type { Clock } from './clock.ts';
import { decodeConfState, encodeConfState } from './codec/raft-records.ts';
import { type EngineFolders, StoreFolders } from './engine-folders.ts';
import type { Logger } from './logging/logger.ts';
import { Cluster } from './membership/cluster.ts';
import { formatId } from './membership/ids.ts';
import { MemoryEngines } from './memory-engines.ts';
import { MemoryRaftLog, type OpenRaftLog, RaftLog } from './raft-log.ts';
import { SENT_FILE_SUFFIX } from './snapshot/etcd-snapshot.ts';
import { StateWriter } from './snapshot/state-stream.ts';

export interface StorageOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Folder of everything durable. */
  readonly dataDir: string;
  /** Folder of the log when it isn't `<dataDir>/member/wal`. */
  readonly walDir: string | undefined;
  /** Nothing is kept: neither store nor log touch the disk. */
  readonly inMemory: boolean;
  readonly engines: EngineFolders;
  readonly cacheBytes: number;
  readonly unsafeNoFsync: boolean;
  /** Bytes of a segment of the log; undefined for etcd's size. */
  readonly walSegmentBytes: number | undefined;
  readonly compactionBatchLimit: number;
  /** Applied entries that the log keeps in memory for members that are behind. */
  readonly keepEntries: number;
  /** Who the member is if there is no log yet. */
  readonly founder: { readonly memberId: bigint; readonly clusterId: bigint };
}

/** What the store holds of the log. */
export interface Applied {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** A state that another member sends, while it is received. */
export interface IncomingState {
  readonly writer: StateWriter;
  /**
   * Everything has come and is on disk: `exchange` may take it, under the index that it stands for. Throws
   * `StateStreamError` when something is missing.
   */
  finish(index: number): Promise<void>;
  /** It is given up. */
  abort(): Promise<void>;
}

/** What a member keeps: its store, its log, and the lock that makes sure it's the only one to. */
export class OpenStorage {
  readonly log: OpenRaftLog;
  #store: Store;
  #applied: Applied;
  readonly #options: StorageOptions;
  readonly #folders: StoreFolders;
  readonly #release: () => void;
  /** The log was made by this opening. */
  readonly #isNew: boolean;
  /** Folders of states that were received whole, by the index that they stand for. */
  readonly #received = new Map<number, string>();

  constructor(
    options: StorageOptions,
    folders: StoreFolders,
    opened: {
      store: Store;
      log: OpenRaftLog;
      applied: Applied;
      isNew: boolean;
      release: () => void;
    },
  ) {
    this.#options = options;
    this.#folders = folders;
    this.log = opened.log;
    this.#store = opened.store;
    this.#applied = opened.applied;
    this.#release = opened.release;
    this.#isNew = opened.isNew;
  }

  /** Another one after `exchange`. */
  get store(): Store {
    return this.#store;
  }

  /** What the store held when it was opened. */
  get applied(): Applied {
    return this.#applied;
  }

  /** Says what was found. */
  announce(logger: Logger): void {
    const { torn, owner } = this.log;
    if (torn !== null) {
      const { file, offset, reason } = torn;
      logger.warn('repaired WAL', { path: file, offset, error: reason });
    }
    const { index, confState } = this.#applied;
    logger.info('opened storage', {
      'local-member-id': formatId(owner.memberId),
      'cluster-id': formatId(owner.clusterId),
      'applied-index': index,
      voters: confState.voters.map(formatId),
      revision: this.#store.revision,
    });
  }

  /**
   * Makes a cluster of one of what this member has. Where etcd drops what it doesn't know to be committed, the entries
   * of its log are kept: each may have been acknowledged, since the note of a commit follows with the next entries.
   * Only membership changes that are still to be applied are dropped: a member that one of them adds would be waited
   * for. `peerUrls` are the member's when nothing that it has tells them. A member that was just made is left alone.
   */
  forceAlone(peerUrls: readonly string[]): void {
    if (this.#isNew) return;
    const { memberId: id, clusterId } = this.log.owner;
    const cluster = new Cluster(clusterId);
    cluster.load((prefix) => listMeta(this.#store.engine, prefix));
    const confState = { ...emptyConfState, voters: [id] };
    const batch = this.#store.batch();
    // Changes that are still to be applied tell of members, too: of this one, and of those to be refused from now on.
    for (const change of this.log.changesBehind(this.#applied.index)) {
      if (change.type !== 'removeNode') cluster.applyConfChange(batch, change);
    }
    const stranger = { id, name: '', peerUrls, clientUrls: [], isLearner: false };
    cluster.keepOnly(batch, cluster.member(id) ?? stranger);
    batch.putMeta(CONF_STATE_ROW, encodeConfState(confState));
    batch.commit();
    this.#store.engine.sync();
    this.log.memory.setConfState(confState);
    this.log.dropChanges(this.#applied.index);
    this.#applied = { ...this.#applied, confState };
  }

  /** Begins to receive a state, beside those that were received whole and not taken over yet. */
  async receive(): Promise<IncomingState> {
    const folders = this.#folders;
    const received = this.#received;
    const { engine, path } = await folders.openIncoming();
    const writer = new StateWriter(engine);
    return {
      writer,
      async finish(index) {
        writer.finish();
        engine.sync();
        await engine.close();
        const before = received.get(index);
        if (before !== undefined) folders.dropIncoming(before);
        received.set(index, path);
      },
      async abort() {
        await engine.close();
        folders.dropIncoming(path);
      },
    };
  }

  /**
   * Makes the state that was received for `index` the member's own, and lets go of older ones. The store before is
   * closed after `onOpen` has run.
   */
  async exchange(index: number, onOpen: (store: Store) => void): Promise<void> {
    const path = this.#received.get(index);
    if (path === undefined) throw new Error(`no state of index ${index} was received`);
    const removePrevious = this.#folders.exchange(path);
    for (const [other, otherPath] of this.#received) {
      if (other > index) continue;
      if (other < index) this.#folders.dropIncoming(otherPath);
      this.#received.delete(other);
    }
    const previous = this.#store;
    this.#store = openStore(this.#options, await this.#folders.openCurrent());
    this.#applied = readApplied(this.#store);
    onOpen(this.#store);
    await previous.close();
    removePrevious();
  }

  async close(): Promise<void> {
    this.log.close();
    await this.#store.close();
    this.#release();
  }
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
  const snapDir = `${memberDir}/snap`;
  makeFolder(disk, snapDir);
  // What a crash has left of files on their way to clients.
  for (const name of disk.list(snapDir)) {
    if (name.endsWith(SENT_FILE_SUFFIX)) disk.remove(`${snapDir}/${name}`);
  }
  const dir = options.walDir ?? `${memberDir}/wal`;
  makeFolder(disk, folderOf(dir));
  const folders = new StoreFolders(options.engines, memberDir);
  const store = openStore(options, await folders.openCurrent());
  try {
    const applied = readApplied(store);
    const logOptions = {
      disk,
      dir,
      unsafeNoFsync,
      keepEntries: options.keepEntries,
      ...(walSegmentBytes === undefined ? {} : { segmentBytes: walSegmentBytes }),
    };
    const isNew = !RaftLog.exists(logOptions);
    if (isNew) {
      if (applied.index > 0) {
        throw new Error(
          `${folders.current} holds data but there is no write-ahead log in ${dir}: ` +
            'restore the log, or start with an empty data folder',
        );
      }
      RaftLog.create(logOptions, founder);
    }
    const log = RaftLog.open(logOptions, applied);
    return new OpenStorage(options, folders, {
      store,
      log,
      applied,
      isNew,
      release: () => lock.release(),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openInMemory(options: StorageOptions): Promise<OpenStorage> {
  const inMemory = { ...options, engines: new MemoryEngines() };
  const folders = new StoreFolders(inMemory.engines, 'memory');
  const store = openStore(inMemory, await folders.openCurrent());
  const log = new MemoryRaftLog(options.founder);
  const applied = { index: 0, term: 0, confState: emptyConfState };
  return new OpenStorage(inMemory, folders, {
    store,
    log,
    applied,
    isNew: true,
    release: () => {},
  });
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

function readApplied(store: Store): Applied {
  const { index, term } = decodeAppliedIndex(store.getMeta(APPLIED_INDEX_ROW));
  const row = store.getMeta(CONF_STATE_ROW);
  return { index, term, confState: row === undefined ? emptyConfState : decodeConfState(row) };
}

/**
 * Makes a folder and its missing parents so that a power cut can't take them back: what is in a folder is only as
 * durable as the names that lead to it.
 */
export function makeFolder(disk: Disk, path: string): void {
  if (disk.exists(path)) return;
  const parent = folderOf(path);
  makeFolder(disk, parent);
  disk.mkdir(path);
  disk.syncDir(parent);
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
