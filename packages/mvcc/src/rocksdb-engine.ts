import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Column, Engine, EngineBatch, Scan, ScanOptions } from './engine.ts';
import { COLUMNS } from './engine.ts';
import { MvccError } from './errors.ts';
import { invariant } from './invariant.ts';
import {
  type BatchHandle,
  type ColumnFamilyOptions,
  type ColumnHandle,
  type DatabaseHandle,
  type IteratorHandle,
  type RocksDbBinding,
  rocksDbBinding,
} from './rocksdb-binding.ts';

const MIB = 1024 * 1024;
const DEFAULT_CACHE_BYTES = 32 * MIB;
/** Larger buffers make each write slower (they outgrow the processor's cache) and open as well. */
const DEFAULT_WRITE_BUFFER_BYTES = 56 * MIB;
/** A page of a scan ends when it has read this much, however many entries were asked for. */
const PAGE_BYTES = 4 * MIB;
const NO_BYTES = new Uint8Array(0);
/** A native batch that grew larger is not kept for reuse. */
const LARGEST_POOLED_BATCH_BYTES = 8 * MIB;
/** When to look at the directory again for its size. */
const SIZE_STALE_BYTES = 4 * MIB;
const SIZE_STALE_QUESTIONS = 256;

/** Where and how to open a RocksDB engine. */
export interface RocksDbEngineOptions {
  /** Directory of the database; made if missing. */
  readonly path: string;
  /** Bytes of block cache over all columns; default 32 MiB. */
  readonly cacheBytes?: number;
  /**
   * Bytes of write buffers over all columns, about; default 56 MiB. What they hold is replayed at open.
   * Files have an eighth of a column's share, so a database of hundreds of GiB wants several times more.
   */
  readonly writeBufferBytes?: number;
  /** Background threads for flushes and compactions; default 2. */
  readonly parallelism?: number;
}

/**
 * An engine on RocksDB. One batch costs one write to its log without a sync: a killed process loses
 * nothing, a power failure loses a suffix of the batches since the last sync, never a hole.
 */
export class RocksDbEngine implements Engine {
  readonly #binding: RocksDbBinding;
  readonly #db: DatabaseHandle;
  readonly #columns: ColumnSet;
  readonly #path: string;
  readonly #batches: BatchPool;
  #size: number;
  #sizeQuestions = 0;
  readonly #life: Life = { closed: false };

  private constructor(
    binding: RocksDbBinding,
    db: DatabaseHandle,
    columns: ColumnSet,
    path: string,
  ) {
    this.#binding = binding;
    this.#db = db;
    this.#columns = columns;
    this.#path = path;
    this.#batches = new BatchPool(binding);
    this.#size = directorySize(path);
  }

  /**
   * Opens the database, replaying what was not flushed: bounded by the write buffers, not by what the
   * database holds. Throws `MvccError` "locked" when another process has it, else "engine".
   */
  static async open(options: RocksDbEngineOptions): Promise<RocksDbEngine> {
    const binding = rocksDbBinding();
    const families = columnFamilies(options);
    try {
      mkdirSync(options.path, { recursive: true });
    } catch (error) {
      throw engineError('cannot make the directory of the database', error);
    }
    const db = binding.db_init(options.path);
    const columns = await new Promise<Record<string, ColumnHandle>>((resolve, reject) => {
      const settings = {
        createIfMissing: true,
        parallelism: options.parallelism ?? 2,
        walCompression: false,
        columns: families,
      };
      binding.db_open(db, settings, (error, opened) => {
        if (error) reject(engineError('cannot open the database', error));
        else resolve(opened);
      });
    });
    return new RocksDbEngine(binding, db, columnSet(columns), options.path);
  }

  get(column: Column, key: Uint8Array): Uint8Array | undefined {
    return this.getMany(column, [key])[0];
  }

  getMany(column: Column, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    this.#checkOpen();
    try {
      return this.#binding.db_get_many_sync(this.#db, keys, this.#columns[column]);
    } catch (error) {
      throw engineError('cannot read', error);
    }
  }

  scan(column: Column, options: ScanOptions = {}): Scan {
    this.#checkOpen();
    const iterator = this.#binding.iterator_init(this.#db, {
      column: this.#columns[column].column,
      reverse: options.reverse === true,
      keys: options.valuesOnly !== true,
      values: options.keysOnly !== true,
      limit: options.limit ?? -1,
      gte: options.gte,
      lt: options.lt,
      highWaterMarkBytes: PAGE_BYTES,
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      fillCache: true,
    });
    return new RocksDbScan(this.#binding, iterator, this.#life);
  }

  batch(): EngineBatch {
    this.#checkOpen();
    return new RocksDbBatch(this.#binding, this.#db, this.#columns, this.#batches, this.#life);
  }

  /**
   * Bytes of the files in the directory, looked at anew when much was written or many have asked since:
   * quota checks ask for each request.
   */
  sizeBytes(): number {
    this.#checkOpen();
    this.#sizeQuestions++;
    const { writtenBytes } = this.#batches;
    if (writtenBytes >= SIZE_STALE_BYTES || this.#sizeQuestions >= SIZE_STALE_QUESTIONS) {
      this.#batches.writtenBytes = 0;
      this.#sizeQuestions = 0;
      this.#size = directorySize(this.#path);
    }
    return this.#size + this.#batches.writtenBytes;
  }

  sync(): void {
    const batch = this.batch();
    // RocksDB has no call of its own for it here; a synced batch carries all earlier ones with it.
    batch.put('meta', SYNC_MARK, NO_BYTES);
    batch.write({ sync: true });
  }

  async close(): Promise<void> {
    if (this.#life.closed) return;
    this.#life.closed = true;
    await new Promise<void>((resolve, reject) => {
      this.#binding.db_close(this.#db, (error) => {
        if (error) reject(engineError('cannot close the database', error));
        else resolve();
      });
    });
  }

  #checkOpen(): void {
    checkOpen(this.#life);
  }
}

/** Shared by an engine with its scans and batches: native calls on a closed database would crash. */
interface Life {
  closed: boolean;
}

function checkOpen(life: Life): void {
  // Work in slices may meet a closed engine on a later turn, so this is an event and no bug.
  if (life.closed) throw new MvccError('engine', 'the engine is closed');
}

/** Name of a row of `meta` that means nothing. */
const SYNC_MARK = Buffer.from('engineSync');

/** Option objects made once: a property read is all that a hot call needs. */
type ColumnSet = Readonly<Record<Column, { readonly column: ColumnHandle }>>;

/**
 * Native batches that can be used again. Each has a buffer as large as its largest content, of which the
 * garbage collector knows nothing: left to it, hundreds of dead ones pile up.
 */
class BatchPool {
  /** Bytes given to batches since the size of the database was last looked up. */
  writtenBytes = 0;
  readonly #binding: RocksDbBinding;
  readonly #free: BatchHandle[] = [];

  constructor(binding: RocksDbBinding) {
    this.#binding = binding;
  }

  take(): BatchHandle {
    return this.#free.pop() ?? this.#binding.batch_init();
  }

  /** Takes a batch back that was written, with about `bytes` in it. */
  giveBack(batch: BatchHandle, bytes: number): void {
    this.writtenBytes += bytes;
    if (bytes > LARGEST_POOLED_BATCH_BYTES) return;
    this.#binding.batch_clear(batch);
    this.#free.push(batch);
  }
}

class RocksDbBatch implements EngineBatch {
  readonly #binding: RocksDbBinding;
  readonly #db: DatabaseHandle;
  readonly #columns: ColumnSet;
  readonly #pool: BatchPool;
  readonly #life: Life;
  #batch: BatchHandle | undefined;
  #bytes = 0;

  constructor(
    binding: RocksDbBinding,
    db: DatabaseHandle,
    columns: ColumnSet,
    pool: BatchPool,
    life: Life,
  ) {
    this.#binding = binding;
    this.#db = db;
    this.#columns = columns;
    this.#pool = pool;
    this.#life = life;
    this.#batch = pool.take();
  }

  put(column: Column, key: Uint8Array, value: Uint8Array): void {
    // `revs` lives in the default column family, which the binding takes when told nothing.
    const options = column === 'revs' ? undefined : this.#columns[column];
    this.#binding.batch_put(this.#open(), key, value, options);
    this.#bytes += key.length + value.length;
  }

  delete(column: Column, key: Uint8Array): void {
    const options = column === 'revs' ? undefined : this.#columns[column];
    this.#binding.batch_del(this.#open(), key, options);
    this.#bytes += key.length;
  }

  write(options?: { readonly sync?: boolean }): void {
    checkOpen(this.#life);
    const batch = this.#open();
    this.#batch = undefined;
    try {
      this.#binding.batch_write(this.#db, batch, { sync: options?.sync === true });
    } catch (error) {
      throw engineError('cannot write', error);
    } finally {
      this.#pool.giveBack(batch, this.#bytes);
    }
  }

  #open(): BatchHandle {
    invariant(this.#batch !== undefined, 'the batch was written');
    return this.#batch;
  }
}

class RocksDbScan implements Scan {
  readonly #binding: RocksDbBinding;
  readonly #life: Life;
  #iterator: IteratorHandle | undefined;
  #finished = false;

  constructor(binding: RocksDbBinding, iterator: IteratorHandle, life: Life) {
    this.#binding = binding;
    this.#iterator = iterator;
    this.#life = life;
  }

  next(maxEntries: number): Uint8Array[] {
    invariant(maxEntries >= 1, 'a page has entries', { maxEntries });
    if (this.#finished || this.#iterator === undefined) return [];
    checkOpen(this.#life);
    try {
      const { rows, finished } = this.#binding.iterator_nextv_sync(this.#iterator, maxEntries);
      this.#finished = finished;
      return withoutGaps(rows);
    } catch (error) {
      throw engineError('cannot scan', error);
    }
  }

  seek(key: Uint8Array): void {
    if (this.#iterator === undefined) return;
    checkOpen(this.#life);
    this.#finished = false;
    this.#binding.iterator_seek(this.#iterator, key);
  }

  close(): void {
    if (this.#iterator === undefined) return;
    if (!this.#life.closed) this.#binding.iterator_close(this.#iterator);
    this.#iterator = undefined;
  }
}

/** The binding leaves undefined where keys or values were not asked for. */
function withoutGaps(rows: (Uint8Array | undefined)[]): Uint8Array[] {
  if (rows.length > 0 && (rows[0] === undefined || rows[1] === undefined)) {
    return rows.map((bytes) => bytes ?? NO_BYTES);
  }
  return rows as Uint8Array[];
}

function columnSet(columns: Record<string, ColumnHandle>): ColumnSet {
  const entries = COLUMNS.map((column) => {
    const handle = columns[familyOf(column)];
    invariant(handle !== undefined, 'every column was opened', { column });
    return [column, { column: handle }] as const;
  });
  return Object.fromEntries(entries) as Record<Column, { column: ColumnHandle }>;
}

function familyOf(column: Column): string {
  return column === 'revs' ? 'default' : column;
}

/** Shares of the budgets: for write buffers and for block cache. */
const SHARES: Readonly<Record<Column, readonly [number, number]>> = {
  // Written in order and read by revision, for watchers and large values.
  revs: [0.4, 0.26],
  // Read and written all over the place.
  keys: [0.42, 0.6],
  history: [0.1, 0.08],
  meta: [0.02, 0.02],
  leases: [0.02, 0.02],
  leasekeys: [0.04, 0.02],
};

function columnFamilies(options: RocksDbEngineOptions): Record<string, ColumnFamilyOptions> {
  const cacheBytes = options.cacheBytes ?? DEFAULT_CACHE_BYTES;
  const writeBufferBytes = options.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES;
  const families = COLUMNS.map((column) => {
    const [bufferShare, cacheShare] = SHARES[column];
    const family: ColumnFamilyOptions = {
      compaction: 'level',
      memtableMemoryBudget: Math.max(MIB, Math.floor(writeBufferBytes * bufferShare)),
      cacheSize: Math.max(MIB, Math.floor(cacheBytes * cacheShare)),
      cacheIndexAndFilterBlocks: true,
      // Levels below the second are compressed regardless; this would add a dictionary to each file.
      compression: false,
      blockSize: 4 * 1024,
      // Most look-ups of new keys end in a filter, also in that of the write buffers.
      ...(column === 'keys' ? { optimize: 'point-lookup' as const } : {}),
    };
    return [familyOf(column), family] as const;
  });
  return Object.fromEntries(families);
}

function directorySize(path: string): number {
  let size = 0;
  for (const name of readdirSync(path)) {
    // Files come and go while compaction runs.
    size += statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return size;
}

function engineError(what: string, cause: unknown): MvccError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return new MvccError('locked', `${what}: another process has it open`, { cause });
  }
  if (code === 'LEVEL_CORRUPTION') return new MvccError('corrupt', `${what}: ${detail}`, { cause });
  return new MvccError('engine', `${what}: ${detail}`, { cause });
}
