import { type ConfState, type HardState, MemoryStorage, type Ready } from '@kvorum/raft';
import { type Disk, type TornTail, Wal, type WalRecord } from '@kvorum/wal';
import {
  decodeEntry,
  decodeHardState,
  decodeWalMetadata,
  encodeEntry,
  encodeHardState,
  encodeWalMetadata,
  encodeWalSnapshot,
} from './codec/raft-records.ts';
import type { LogStorage } from './node-loop.ts';

/** Who a log belongs to. */
export interface LogOwner {
  readonly memberId: bigint;
  readonly clusterId: bigint;
}

/** The state that the store holds: raft starts behind it. */
export interface AppliedState {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

export interface RaftLogOptions {
  readonly disk: Disk;
  /** Folder of the segments. */
  readonly dir: string;
  /** Nothing is synced: for benchmarks and throw-away data. */
  readonly unsafeNoFsync: boolean;
  /** Bytes of a segment; etcd's 64,000,000 unless a test wants fewer. */
  readonly segmentBytes?: number;
}

/**
 * Entries in memory are let go when there are more than this many, or these bytes, behind the applied index. There is
 * nobody to send them to yet; what a restart needs is on disk.
 */
const KEEP_ENTRIES = 4096;
const KEEP_BYTES = 4 * 1024 * 1024;

/** Zeros written ahead for the next segment in one go: 0.4 ms of work. */
const PREPARE_BYTES = 1024 * 1024;

/** A log that a member runs on. */
export interface OpenRaftLog extends LogStorage {
  /** What raft reads. */
  readonly memory: MemoryStorage;
  readonly owner: LogOwner;
  /** What an append that a crash interrupted had left at the end; opening the log cut it off. */
  readonly torn: TornTail | null;
  /** Segments on disk. */
  readonly segmentCount: number;
  /** Bytes of entries appended since the start. */
  readonly writtenBytes: number;
  prepareNext(onError: (error: unknown) => void): void;
  trimMemory(appliedIndex: number, confState: ConfState): void;
  snapshot(index: number, term: number, confState: ConfState): number;
}

/** Raft's log: the write-ahead log on disk, and the entries that raft still needs in memory. */
export class RaftLog implements OpenRaftLog {
  readonly memory: MemoryStorage;
  readonly owner: LogOwner;
  readonly torn: TornTail | null;
  readonly #wal: Wal;
  readonly #noFsync: boolean;
  #hardState: HardState;
  readonly #kept = new KeptEntries();
  #writtenBytes = 0;
  /** The hard state has changed since it was appended last. */
  #stateWaits = false;
  #nextReady = false;

  private constructor(parts: {
    wal: Wal;
    memory: MemoryStorage;
    owner: LogOwner;
    hardState: HardState;
    noFsync: boolean;
    torn: TornTail | null;
  }) {
    this.#wal = parts.wal;
    this.memory = parts.memory;
    this.owner = parts.owner;
    this.#hardState = parts.hardState;
    this.#noFsync = parts.noFsync;
    this.torn = parts.torn;
  }

  static exists(options: RaftLogOptions): boolean {
    return Wal.exists(options.disk, options.dir);
  }

  /** Makes the empty log of a member. Throws `WalError`. */
  static create(options: RaftLogOptions, owner: LogOwner): void {
    const { disk, dir } = options;
    const metadata = encodeWalMetadata(owner.memberId, owner.clusterId);
    Wal.create({ disk, dir, metadata, ...segmentBytesOf(options) }).close();
  }

  /** Opens the log behind what the store has applied. Throws `WalError`, or `ProtoError` for foreign records. */
  static open(options: RaftLogOptions, applied: AppliedState): RaftLog {
    const { disk, dir } = options;
    const opened = Wal.open({
      disk,
      dir,
      snapshotIndex: applied.index,
      ...segmentBytesOf(options),
    });
    const memory = new MemoryStorage(applied.confState);
    if (applied.index > 0) {
      const { index, term, confState } = applied;
      memory.applySnapshot({ metadata: { index, term, confState }, data: new Uint8Array(0) });
    }
    for (const record of opened.records) {
      if (record.type === 'entry' && record.index > applied.index) {
        memory.append([decodeEntry(record.data)]);
      }
    }
    const stored =
      opened.state === null ? { term: 0, vote: 0n, commit: 0 } : decodeHardState(opened.state);
    // What was applied was committed, even if the note of it didn't reach the disk.
    const hardState = { ...stored, commit: Math.max(stored.commit, applied.index) };
    memory.setHardState(hardState);
    return new RaftLog({
      wal: opened.wal,
      memory,
      owner: decodeWalMetadata(opened.metadata),
      hardState,
      noFsync: options.unsafeNoFsync,
      torn: opened.torn,
    });
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Segments on disk. */
  get segmentCount(): number {
    return this.#wal.segments.length;
  }

  /**
   * A commit that moved and nothing else waits for the next entries: it's recomputed after a crash, and a write less per
   * batch is felt by a lone client.
   */
  append(ready: Ready): void {
    if (ready.hardState !== undefined) {
      this.#hardState = ready.hardState;
      this.#stateWaits = true;
      this.memory.setHardState(ready.hardState);
    }
    if (ready.entries.length === 0 && !ready.mustSync) return;
    const records: WalRecord[] = [];
    for (const entry of ready.entries) {
      const data = encodeEntry(entry);
      this.#writtenBytes += data.length;
      this.#kept.add(data.length);
      records.push({ type: 'entry', index: entry.index, data });
    }
    if (ready.entries.length > 0) this.#nextReady = false;
    if (this.#stateWaits) records.push(this.#stateRecord());
    this.#wal.append(records);
    this.memory.append(ready.entries);
  }

  syncNow(): void {
    if (!this.#noFsync) this.#wal.syncNow();
  }

  async sync(): Promise<void> {
    if (!this.#noFsync) await this.#wal.sync();
  }

  /** Works ahead on the next segment. A full disk shows in the next append; it's nothing to stop for now. */
  prepareNext(onError: (error: unknown) => void): void {
    if (this.#nextReady) return;
    try {
      this.#nextReady = this.#wal.prepareNext(PREPARE_BYTES);
    } catch (error) {
      this.#nextReady = true;
      onError(error);
    }
  }

  /** Lets go of entries in memory that are applied, when they've become many. */
  trimMemory(appliedIndex: number, confState: ConfState): void {
    this.#kept.trim(this.memory, appliedIndex, confState);
  }

  /**
   * Notes that the store holds everything up to `index` durably, and deletes the segments that nobody needs any more.
   * Not while a sync is running.
   */
  snapshot(index: number, term: number, confState: ConfState): number {
    const data = encodeWalSnapshot(index, term, confState);
    this.#wal.append([{ type: 'snapshot', index, data }, this.#stateRecord()]);
    this.syncNow();
    return this.#wal.release(index);
  }

  close(): void {
    try {
      if (this.#stateWaits) this.#wal.append([this.#stateRecord()]);
    } finally {
      this.#wal.close();
    }
  }

  #stateRecord(): WalRecord {
    this.#stateWaits = false;
    return { type: 'state', data: encodeHardState(this.#hardState) };
  }
}

/** A log that lives and dies with the process; for members without a data folder. */
export class MemoryRaftLog implements OpenRaftLog {
  readonly memory = new MemoryStorage();
  readonly owner: LogOwner;
  readonly torn = null;
  readonly segmentCount = 0;
  readonly writtenBytes = 0;
  readonly #kept = new KeptEntries();

  constructor(owner: LogOwner) {
    this.owner = owner;
  }

  append(ready: Ready): void {
    for (const entry of ready.entries) this.#kept.add(entry.data.length);
    if (ready.hardState !== undefined) this.memory.setHardState(ready.hardState);
    this.memory.append(ready.entries);
  }

  syncNow(): void {}

  async sync(): Promise<void> {}

  prepareNext(): void {}

  trimMemory(appliedIndex: number, confState: ConfState): void {
    this.#kept.trim(this.memory, appliedIndex, confState);
  }

  snapshot(): number {
    return 0;
  }
}

/** Counts what has gathered in memory since it was trimmed last. */
class KeptEntries {
  #count = 0;
  #bytes = 0;

  add(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  trim(memory: MemoryStorage, appliedIndex: number, confState: ConfState): void {
    if (this.#count < KEEP_ENTRIES && this.#bytes < KEEP_BYTES) return;
    if (appliedIndex <= memory.firstIndex()) return;
    memory.createSnapshot(appliedIndex, confState, new Uint8Array(0));
    memory.compact(appliedIndex);
    this.#count = 0;
    this.#bytes = 0;
  }
}

function segmentBytesOf({ segmentBytes }: RaftLogOptions): { segmentBytes?: number } {
  return segmentBytes === undefined ? {} : { segmentBytes };
}
