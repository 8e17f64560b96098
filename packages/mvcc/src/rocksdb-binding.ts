import { createRequire } from 'node:module';

/** A database, iterator, batch or column as the binding hands it out: a pointer, good for its own calls. */
declare const handle: unique symbol;
export interface DatabaseHandle {
  readonly [handle]: 'database';
}
export interface ColumnHandle {
  readonly [handle]: 'column';
}
export interface IteratorHandle {
  readonly [handle]: 'iterator';
}
export interface BatchHandle {
  readonly [handle]: 'batch';
}

/** Options of one column family. */
export interface ColumnFamilyOptions {
  readonly compaction: 'level' | 'universal';
  /** Write buffers take up to about this much; files on disk are an eighth of it. */
  readonly memtableMemoryBudget: number;
  /** Bytes of block cache; each column has its own. */
  readonly cacheSize: number;
  /** Charge index and filter blocks to the cache, rather than hold those of all files in memory. */
  readonly cacheIndexAndFilterBlocks: boolean;
  readonly compression: boolean;
  readonly blockSize: number;
  readonly optimize?: 'point-lookup';
}

/** Options of `db_open`. */
export interface OpenOptions {
  readonly createIfMissing: boolean;
  /** Background threads for flushes and compactions. */
  readonly parallelism: number;
  readonly walCompression: boolean;
  readonly columns: Readonly<Record<string, ColumnFamilyOptions>>;
}

/** Options of `iterator_init`; the encodings must be given. */
export interface IteratorOptions {
  readonly column: ColumnHandle;
  readonly reverse: boolean;
  readonly keys: boolean;
  readonly values: boolean;
  readonly limit: number;
  readonly gte: Uint8Array | undefined;
  readonly lt: Uint8Array | undefined;
  readonly highWaterMarkBytes: number;
  readonly keyEncoding: 'buffer';
  readonly valueEncoding: 'buffer';
  readonly fillCache: boolean;
}

/**
 * The calls of the native binding that we use. Its JavaScript wrapper is left aside: it is built for
 * abstract-level, which registers every iterator and batch and closes them asynchronously, while all we
 * do is synchronous.
 */
export interface RocksDbBinding {
  db_init(location: string): DatabaseHandle;
  db_open(
    db: DatabaseHandle,
    options: OpenOptions,
    callback: (error: Error | null, columns: Record<string, ColumnHandle>) => void,
  ): void;
  db_close(db: DatabaseHandle, callback: (error: Error | null) => void): void;
  db_get_many_sync(
    db: DatabaseHandle,
    keys: readonly Uint8Array[],
    options: { readonly column: ColumnHandle },
  ): (Uint8Array | undefined)[];
  db_get_property(db: DatabaseHandle, property: string): string;
  iterator_init(db: DatabaseHandle, options: IteratorOptions): IteratorHandle;
  iterator_seek(iterator: IteratorHandle, target: Uint8Array): void;
  iterator_nextv_sync(
    iterator: IteratorHandle,
    maxEntries: number,
  ): { rows: (Uint8Array | undefined)[]; finished: boolean };
  iterator_close(iterator: IteratorHandle): void;
  batch_init(): BatchHandle;
  batch_put(
    batch: BatchHandle,
    key: Uint8Array,
    value: Uint8Array,
    options: { readonly column: ColumnHandle } | undefined,
  ): void;
  batch_del(
    batch: BatchHandle,
    key: Uint8Array,
    options: { readonly column: ColumnHandle } | undefined,
  ): void;
  batch_clear(batch: BatchHandle): void;
  batch_write(db: DatabaseHandle, batch: BatchHandle, options: { readonly sync: boolean }): void;
}

let binding: RocksDbBinding | undefined;

/** Loads the native binding on first use, so that a program on another engine never needs it. */
export function rocksDbBinding(): RocksDbBinding {
  binding ??= createRequire(import.meta.url)('rocksdb/binding.js') as RocksDbBinding;
  return binding;
}
