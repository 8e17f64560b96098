import {
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  entrySize,
  type HardState,
  MemoryStorage,
  type Ready,
} from '@kvorum/raft';
import { type Disk, type TornTail, Wal, type WalRecord } from '@kvorum/wal';
import {
  decodeEntry,
  decodeHardState,
  decodeWalMetadata,
  decodeWalSnapshot,
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
  /** Applied entries kept in memory for members that are behind. */
  readonly keepEntries?: number;
}

const NO_BYTES = new Uint8Array(0);

/** Applied entries in memory are let go in batches: when so many, or so many bytes, have come since the last time. */
const TRIM_ENTRIES = 4096;
const TRIM_BYTES = 4 * 1024 * 1024;
/** Applied entries in memory have no more bytes than this; whoever needs older ones gets the whole state. */
const KEEP_BYTES = 128 * 1024 * 1024;

/** Zeros written ahead for the next segment in one go: 0.4 ms of work. */
const PREPARE_BYTES = 1024 * 1024;

/** What may be let go of in memory. */
export interface MemoryTrim {
  readonly appliedIndex: number;
  readonly confState: ConfState;
  /** Applied entries that stay, for members that are behind. */
  readonly keep: number;
  /** At the latest, it's looked at after so many entries. */
  readonly every: number;
  /** The last index that a member which is there has not confirmed yet stays too, with all behind it. */
  readonly confirmedBy: () => number;
}

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
  /** The membership changes behind `index`. */
  changesBehind(index: number): ConfChange[];
  /**
   * Puts entries that change nothing in the place of the membership changes behind `index`. Durable when it returns; only
   * for a member that is made a cluster of its own, since no other one has that log then.
   */
  dropChanges(index: number): void;
  /** Lets go of applied entries in memory, when many have come. */
  trimMemory(trim: MemoryTrim): void;
  snapshot(index: number, term: number, confState: ConfState, keepSegments: number): number;
  close(): void;
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
    const memory = replay(opened.records, applied, options.keepEntries ?? 0);
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
    if (ready.snapshot !== undefined) {
      const { index, term, confState } = ready.snapshot.metadata;
      records.push({
        type: 'snapshot',
        index,
        data: encodeWalSnapshot(index, term, confState, true),
      });
      this.memory.applySnapshot({ metadata: { index, term, confState }, data: NO_BYTES });
    }
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

  changesBehind(index: number): ConfChange[] {
    return this.#entriesBehind(index)
      .filter(({ type }) => type !== 'normal')
      .map(decodeConfChange)
      .filter((change) => 'nodeId' in change);
  }

  dropChanges(index: number): void {
    const tail = this.#entriesBehind(index);
    const first = tail.findIndex(({ type }) => type !== 'normal');
    if (first < 0) return;
    // In the log, too, an entry replaces what stood at its index and behind.
    const entries = tail.slice(first).map((entry): Entry => {
      return entry.type === 'normal' ? entry : { ...entry, type: 'normal', data: NO_BYTES };
    });
    this.#wal.append(
      entries.map((entry) => ({ type: 'entry', index: entry.index, data: encodeEntry(entry) })),
    );
    this.#wal.syncNow();
    this.memory.append(entries);
  }

  #entriesBehind(index: number): readonly Entry[] {
    const end = this.memory.lastIndex() + 1;
    return index + 1 < end ? this.memory.entries(index + 1, end, Number.POSITIVE_INFINITY) : [];
  }

  /** Lets go of entries in memory that are applied, when they've become many. */
  trimMemory(trim: MemoryTrim): void {
    this.#kept.trim(this.memory, trim);
  }

  /**
   * Notes that the store holds everything up to `index` durably, and deletes segments that nobody needs any more until
   * `keepSegments` are left. Not while a sync is running.
   */
  snapshot(index: number, term: number, confState: ConfState, keepSegments: number): number {
    const data = encodeWalSnapshot(index, term, confState);
    this.#wal.append([{ type: 'snapshot', index, data }, this.#stateRecord()]);
    this.syncNow();
    return this.#wal.release(index, keepSegments);
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
    if (ready.snapshot !== undefined) {
      const { metadata } = ready.snapshot;
      this.memory.applySnapshot({ metadata, data: NO_BYTES });
    }
    for (const entry of ready.entries) this.#kept.add(entry.data.length);
    if (ready.hardState !== undefined) this.memory.setHardState(ready.hardState);
    this.memory.append(ready.entries);
  }

  syncNow(): void {}

  async sync(): Promise<void> {}

  prepareNext(): void {}

  /** It begins empty. */
  changesBehind(): ConfChange[] {
    return [];
  }

  dropChanges(): void {}

  trimMemory(trim: MemoryTrim): void {
    this.#kept.trim(this.memory, trim);
  }

  snapshot(): number {
    return 0;
  }

  close(): void {}
}

/** Counts what has gathered in memory since it was trimmed last. */
class KeptEntries {
  #count = 0;
  #bytes = 0;

  add(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  trim(memory: MemoryStorage, trim: MemoryTrim): void {
    const { appliedIndex, confState, keep, every, confirmedBy } = trim;
    if (this.#count < Math.min(TRIM_ENTRIES, every) && this.#bytes < TRIM_BYTES) return;
    this.#count = 0;
    this.#bytes = 0;
    const wanted = Math.min(appliedIndex - keep, confirmedBy());
    const upTo = Math.max(wanted, firstWithin(memory, appliedIndex, KEEP_BYTES) - 1);
    if (upTo < memory.firstIndex() || appliedIndex > memory.lastIndex()) return;
    if (appliedIndex > memory.snapshot().metadata.index) {
      memory.createSnapshot(appliedIndex, confState, NO_BYTES);
    }
    memory.compact(upTo);
  }
}

/** The first of the entries up to `last` that together have no more bytes than this. */
function firstWithin(memory: MemoryStorage, last: number, maxBytes: number): number {
  const lo = memory.firstIndex();
  const entries = memory.entries(lo, last + 1, Number.POSITIVE_INFINITY);
  let bytes = 0;
  for (let i = entries.length - 1; i >= 0; i--) {
    bytes += entrySize(entries[i] as Entry);
    if (bytes > maxBytes) return lo + i + 1;
  }
  return lo;
}

/** What the records say the log is: the entries that are not applied, and up to `keep` before them. */
function replay(records: readonly WalRecord[], applied: AppliedState, keep: number): MemoryStorage {
  const { index, term, confState } = applied;
  const { entries, base } = entriesOf(records);
  const first = entries[0]?.index ?? 0;
  // A state that was received may be in the store, but not yet in the log: what the log holds is void then.
  const agrees = entries[index - first]?.term === term || (first === index + 1 && base === index);
  const kept = agrees ? entries.filter((entry) => entry.index > index - keep) : [];
  if (kept[0] !== undefined && kept[0].index <= index) return memoryFrom(kept, confState);
  const memory = new MemoryStorage(confState);
  if (index > 0) memory.applySnapshot({ metadata: { index, term, confState }, data: NO_BYTES });
  memory.append(kept);
  return memory;
}

/** The entries in the order of their indexes, and the index of the state that was received before them, if any. */
function entriesOf(records: readonly WalRecord[]): { entries: Entry[]; base: number } {
  let entries: Entry[] = [];
  let base = 0;
  for (const record of records) {
    if (record.type === 'entry') {
      const entry = decodeEntry(record.data);
      const first = entries[0]?.index ?? entry.index;
      // An entry replaces what stood at its index and behind.
      if (entry.index < first) entries = [];
      else entries.length = Math.min(entries.length, entry.index - first);
      entries.push(entry);
    } else if (record.type === 'snapshot') {
      const { index, received } = decodeWalSnapshot(record.data);
      if (!received) continue;
      entries = [];
      base = index;
    }
  }
  return { entries, base };
}

/** A log that begins before the applied index. */
function memoryFrom(entries: readonly Entry[], confState: ConfState): MemoryStorage {
  const memory = new MemoryStorage(confState);
  const first = entries[0] as Entry;
  // The position before the first entry is known by its index alone, so the first one is given up for its term.
  const metadata = { index: first.index, term: first.term, confState };
  memory.applySnapshot({ metadata, data: NO_BYTES });
  memory.append(entries.slice(1));
  return memory;
}

function segmentBytesOf({ segmentBytes }: RaftLogOptions): { segmentBytes?: number } {
  return segmentBytes === undefined ? {} : { segmentBytes };
}
