import { readChain, type WalContents } from './chain.ts';
import type { Disk, DiskFile, DiskLock } from './disk.ts';
import { Encoder } from './encoder.ts';
import { causeText, WalError } from './errors.ts';
import { invariant } from './invariant.ts';
import { NextSegment, writeZeros } from './next-segment.ts';
import {
  CRC,
  ENTRY,
  ENTRY_INDEX_FIELD,
  FIRST_SNAPSHOT,
  indexIn,
  METADATA,
  SECTOR_SIZE,
  SNAPSHOT,
  SNAPSHOT_INDEX_FIELD,
  STATE,
  type WalRecord,
} from './record.ts';
import { zeroTail } from './repair.ts';
import {
  DEFAULT_SEGMENT_BYTES,
  listSegments,
  makeSegment,
  positionOf,
  type Segment,
} from './segment.ts';

const NOTHING = new Uint8Array(0);

/** What `create`, `open` and `readWal` share. */
export interface WalOptions {
  readonly disk: Disk;
  /** Folder of the log, without a trailing slash. The lock file stands beside it: `<dir>.lock`. */
  readonly dir: string;
  /**
   * Bytes after which a segment is cut, a multiple of 512; default `DEFAULT_SEGMENT_BYTES`. May change from
   * one opening to the next.
   */
  readonly segmentBytes?: number;
}

/** Options of `Wal.create`. */
export interface WalCreateOptions extends WalOptions {
  /** Who the log belongs to, repeated in each segment: an encoded etcdserverpb.Metadata. Copied. */
  readonly metadata: Uint8Array;
}

/** Options of `Wal.open` and `readWal`. */
export interface WalOpenOptions extends WalOptions {
  /** Index of the snapshot that the caller starts from; default 0, no snapshot. */
  readonly snapshotIndex?: number;
}

/** An opened log with what it holds. */
export interface OpenedWal extends WalContents {
  readonly wal: Wal;
}

/** The parts of an opened log. */
interface WalParts {
  readonly disk: Disk;
  readonly dir: string;
  readonly segmentBytes: number;
  readonly lock: DiskLock;
  readonly metadata: Uint8Array;
  readonly segments: Segment[];
  readonly file: DiskFile;
  readonly offset: number;
  readonly crc: number;
  readonly state: Uint8Array | null;
  readonly lastIndex: number;
}

/**
 * A write-ahead log, open for appending at its end. Records are durable once `syncNow` returned or a `sync`
 * begun after their `append` resolved; never before.
 *
 * The first failed write or sync breaks the log for good: after it nobody knows what the disk holds (Linux
 * reports a lost page once and then forgets it), so every later call throws `WalError` "broken" and nothing is
 * retried. End the process; the next `open` finds out.
 */
export class Wal {
  /** What was given to `create`. */
  readonly metadata: Uint8Array;
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #lock: DiskLock;
  readonly #encoder: Encoder;
  readonly #next: NextSegment;
  /** All segments on disk; the last is being written. */
  #segments: Segment[];
  #file: DiskFile;
  /** Where the next frame goes in `#file`. */
  #offset: number;
  /** Up to where `#file` is durable; `<= #offset`. */
  #syncedOffset: number;
  #state: Uint8Array | null;
  #lastIndex: number;
  #syncing = false;
  #broken: WalError | null = null;
  #closed = false;

  private constructor(parts: WalParts) {
    this.metadata = parts.metadata;
    this.#disk = parts.disk;
    this.#dir = parts.dir;
    this.#segmentBytes = parts.segmentBytes;
    this.#lock = parts.lock;
    this.#encoder = new Encoder(parts.crc);
    this.#next = new NextSegment(parts.disk, parts.dir, parts.segmentBytes);
    this.#segments = parts.segments;
    this.#file = parts.file;
    this.#offset = parts.offset;
    this.#syncedOffset = parts.offset;
    this.#state = parts.state;
    this.#lastIndex = parts.lastIndex;
  }

  /** Whether there is a log in the folder, sound or not. */
  static exists(disk: Disk, dir: string): boolean {
    return disk.exists(dir) && listSegments(disk, dir).length > 0;
  }

  /**
   * Makes an empty log and opens it. All or nothing: it is built in `<dir>.tmp`, which is renamed when it is
   * durable. Writes `segmentBytes` zeros, 150 ms for the default size.
   *
   * Throws `WalError` "exists", "locked" or "io".
   */
  static create(options: WalCreateOptions): Wal {
    const { disk, dir } = options;
    const segmentBytes = segmentBytesOf(options);
    const lock = takeLock(disk, dir);
    try {
      if (Wal.exists(disk, dir)) throw new WalError('exists', `${dir}: there is a log already`);
      const tmp = `${dir}.tmp`;
      disk.mkdir(tmp);
      for (const name of disk.list(tmp)) disk.remove(`${tmp}/${name}`);
      const metadata = options.metadata.slice();
      const encoder = new Encoder(0);
      encoder.add(CRC, NOTHING);
      encoder.add(METADATA, metadata);
      encoder.add(SNAPSHOT, FIRST_SNAPSHOT);
      const segment = makeSegment(0, 0);
      const file = disk.open(`${tmp}/${segment.name}`, { create: true });
      file.write(encoder.frames, 0);
      writeZeros(file, encoder.size, segmentBytes);
      file.syncNow();
      disk.syncDir(tmp);
      disk.rename(tmp, dir);
      disk.syncDir(parentOf(dir));
      return new Wal({
        disk,
        dir,
        segmentBytes,
        lock,
        metadata,
        segments: [segment],
        file,
        offset: encoder.size,
        crc: encoder.crc,
        state: null,
        lastIndex: 0,
      });
    } catch (error) {
      lock.release();
      throw ioError(error, `${dir}: cannot create the log`);
    }
  }

  /**
   * Opens a log, tells what it holds from the segment with `snapshotIndex` on, and cuts off what an
   * interrupted append left at the end (`torn` says so).
   *
   * Throws `WalError` "missing", "locked", "corrupt" (the log is left as it is) or "io".
   */
  static open(options: WalOpenOptions): OpenedWal {
    const { disk, dir } = options;
    const segmentBytes = segmentBytesOf(options);
    const lock = takeLock(disk, dir);
    try {
      const chain = readChain(disk, dir, options.snapshotIndex ?? 0);
      for (const name of disk.list(dir)) if (name.endsWith('.tmp')) disk.remove(`${dir}/${name}`);
      const segment = chain.segments.at(-1);
      invariant(segment !== undefined, 'a chain has a segment');
      const file = disk.open(`${dir}/${segment.name}`, { write: true });
      zeroTail(file, chain.tail);
      const { metadata, records, state, lastIndex, torn } = chain;
      const parts = {
        disk,
        dir,
        segmentBytes,
        lock,
        file,
        offset: chain.tail.offset,
        crc: chain.crc,
      };
      const wal = new Wal({
        ...parts,
        metadata: metadata.slice(),
        segments: chain.segments,
        state: state?.slice() ?? null,
        lastIndex,
      });
      return { wal, metadata, records, state, lastIndex, torn };
    } catch (error) {
      lock.release();
      throw ioError(error, `${dir}: cannot open the log`);
    }
  }

  /** Index of the last entry appended, or of a snapshot record above it. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Bytes appended that no finished sync covers; 0 when all is durable. */
  get unsyncedBytes(): number {
    return this.#offset - this.#syncedOffset;
  }

  /** Where in the last segment the next record goes, in bytes. */
  get tailOffset(): number {
    return this.#offset;
  }

  /** Names and first indexes of the files on disk, oldest first; the last is being written. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /**
   * Writes records to the page cache with one call: cheap, and not durable. Copies all data. A segment that
   * becomes full is cut, which syncs everything; while a `sync` is running that waits for its end.
   *
   * Throws `WalError` "broken" or "closed".
   */
  append(records: readonly WalRecord[]): void {
    this.#mustBeUsable();
    if (records.length === 0) return;
    const encoder = this.#encoder;
    let state: Uint8Array | null = null;
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as WalRecord;
      if (record.type === 'entry') {
        const index = indexIn(record.data, ENTRY_INDEX_FIELD);
        invariant(
          index === record.index,
          'an entry holds the index it is given with',
          index,
          record.index,
        );
        encoder.add(ENTRY, record.data);
        this.#lastIndex = index;
      } else if (record.type === 'state') {
        encoder.add(STATE, record.data);
        state = record.data;
      } else {
        const index = indexIn(record.data, SNAPSHOT_INDEX_FIELD);
        invariant(
          index === record.index,
          'a snapshot holds the index it is given with',
          index,
          record.index,
        );
        encoder.add(SNAPSHOT, record.data);
        if (index > this.#lastIndex) this.#lastIndex = index;
      }
    }
    if (state !== null) this.#state = state.slice();
    this.#writeFrames();
    if (this.#offset >= this.#segmentBytes && !this.#syncing) this.cut();
  }

  /**
   * Makes all appended records durable, blocking: best for small batches, where a trip to another thread costs
   * as much as the disk. Not while a `sync` is running.
   *
   * Throws `WalError` "broken" or "closed".
   */
  syncNow(): void {
    this.#mustBeUsable();
    // The kernel tells a write-back error to one caller: the running sync might take it from us.
    invariant(!this.#syncing, 'one sync at a time');
    if (this.#syncedOffset === this.#offset) return;
    try {
      this.#file.syncNow();
    } catch (cause) {
      throw this.#break('sync', cause);
    }
    this.#syncedOffset = this.#offset;
  }

  /**
   * Makes the records appended so far durable on a pool thread; resolves when they are. `append` may be called
   * meanwhile, for the sync after this one; `sync`, `syncNow`, `cut` and `close` not.
   *
   * Rejects with `WalError` "broken" or "closed".
   */
  async sync(): Promise<void> {
    this.#mustBeUsable();
    invariant(!this.#syncing, 'one sync at a time');
    const target = this.#offset;
    if (this.#syncedOffset === target) return;
    this.#syncing = true;
    try {
      await this.#file.sync();
    } catch (cause) {
      throw this.#break('sync', cause);
    } finally {
      this.#syncing = false;
    }
    if (this.#broken !== null) throw this.#broken;
    this.#syncedOffset = target;
    if (this.#offset >= this.#segmentBytes) this.cut();
  }

  /**
   * Syncs and ends the current segment and begins the next one, whose first records repeat what the older ones
   * say that must not be forgotten. Called by `append` and `sync` when a segment is full. Blocks for three
   * syncs, and longer if `prepareNext` was not called.
   *
   * Throws `WalError` "broken" or "closed".
   */
  cut(): void {
    this.#mustBeUsable();
    invariant(!this.#syncing, 'no cut during a sync');
    const last = this.#segments.at(-1);
    invariant(last !== undefined, 'a log has a segment');
    const segment = makeSegment(last.sequence + 1, this.#lastIndex + 1);
    const encoder = this.#encoder;
    encoder.add(CRC, NOTHING);
    encoder.add(METADATA, this.metadata);
    if (this.#state !== null) encoder.add(STATE, this.#state);
    try {
      this.#file.truncate(this.#offset);
      this.#file.syncNow();
      const file = this.#next.take();
      file.write(encoder.frames, 0);
      file.syncNow();
      this.#disk.rename(this.#next.path, `${this.#dir}/${segment.name}`);
      this.#disk.syncDir(this.#dir);
      this.#next.taken();
      this.#file.close();
      this.#file = file;
    } catch (cause) {
      throw this.#break('cut', cause);
    }
    this.#offset = encoder.size;
    this.#syncedOffset = encoder.size;
    this.#segments.push(segment);
    encoder.clear();
  }

  /**
   * Works ahead on the next segment: writes up to `budgetBytes` zeros and lets a pool thread sync them; does
   * nothing while that runs. True when the segment is ready. Call it now and then, when there is time: a call
   * costs about 0.4 ms per MiB.
   *
   * Throws `WalError` "io" when the disk refuses (it may be full): the log stays usable, later calls try
   * again. Throws "broken" or "closed" as all do.
   */
  prepareNext(budgetBytes: number): boolean {
    this.#mustBeUsable();
    return this.#next.prepare(budgetBytes);
  }

  /**
   * Deletes the segments that `open` with `snapshotIndex: index` would not read, the oldest first, until there are
   * `keepCount` (default 1) segments in all; returns how many. Only what a durable snapshot covers may be released.
   * Not synced: a segment that comes back after a crash does no harm.
   *
   * Throws `WalError` "io" (the log stays usable), "broken" or "closed".
   */
  release(index: number, keepCount = 1): number {
    this.#mustBeUsable();
    const spare = this.#segments.length - keepCount;
    const count = Math.max(0, Math.min(positionOf(this.#segments, index), spare));
    for (let i = 0; i < count; i++) {
      const path = `${this.#dir}/${this.#segments[0]?.name ?? ''}`;
      try {
        this.#disk.remove(path);
      } catch (error) {
        throw ioError(error, `${path}: cannot delete`);
      }
      this.#segments.shift();
    }
    return count;
  }

  /**
   * Syncs what was appended, and lets go of files and lock. Never throws for a broken log, and does nothing when
   * called again.
   *
   * Throws `WalError` "broken" if that last sync fails; the lock is released nevertheless.
   */
  close(): void {
    if (this.#closed) return;
    invariant(!this.#syncing || this.#broken !== null, 'no close during a sync');
    try {
      if (this.#broken === null) this.syncNow();
    } finally {
      this.#closed = true;
      this.#next.discard();
      this.#file.close();
      this.#lock.release();
    }
  }

  #writeFrames(): void {
    const encoder = this.#encoder;
    try {
      this.#file.write(encoder.frames, this.#offset);
    } catch (cause) {
      throw this.#break('write', cause);
    }
    this.#offset += encoder.size;
    encoder.clear();
  }

  #mustBeUsable(): void {
    if (this.#broken !== null) throw this.#broken;
    if (this.#closed) throw new WalError('closed', `${this.#dir}: the log is closed`);
  }

  #break(what: string, cause: unknown): WalError {
    const file = `${this.#dir}/${this.#segments.at(-1)?.name ?? ''}`;
    const text = `${file}: ${what} failed: ${causeText(cause)}; the log cannot be used any more`;
    this.#broken = new WalError('broken', text, { file, offset: this.#offset, cause });
    return this.#broken;
  }
}

/**
 * Reads a log without owning it: no lock, no repair. For tools; of a log in use the end may look torn.
 *
 * Throws `WalError` "missing", "corrupt" or "io".
 */
export function readWal(options: WalOpenOptions): WalContents {
  try {
    const chain = readChain(options.disk, options.dir, options.snapshotIndex ?? 0);
    const { metadata, records, state, lastIndex, torn } = chain;
    return { metadata, records, state, lastIndex, torn };
  } catch (error) {
    throw ioError(error, `${options.dir}: cannot read the log`);
  }
}

function segmentBytesOf(options: WalOptions): number {
  const segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
  const whole = Number.isSafeInteger(segmentBytes) && segmentBytes > 0;
  invariant(
    whole && segmentBytes % SECTOR_SIZE === 0,
    'segmentBytes is a multiple of 512',
    segmentBytes,
  );
  return segmentBytes;
}

function takeLock(disk: Disk, dir: string): DiskLock {
  try {
    disk.mkdir(parentOf(dir));
    return disk.lock(`${dir}.lock`);
  } catch (error) {
    throw ioError(error, `${dir}: cannot lock the log`);
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** Our own errors as they are, the disk's as "io"; bugs stay bugs. */
function ioError(error: unknown, text: string): unknown {
  const own =
    error instanceof WalError || (error instanceof Error && error.name === 'InvariantError');
  return own ? error : new WalError('io', `${text}: ${causeText(error)}`, { cause: error });
}
