// The store and what it is used with.
export type { ApplyBatch } from './apply-batch.ts';
// Engines; an own one passes the conformance suite.
export {
  COLUMNS,
  type Column,
  type Engine,
  type EngineBatch,
  type Scan,
  type ScanOptions,
} from './engine.ts';
export { MvccError, type MvccErrorCode } from './errors.ts';
export { InvariantError } from './invariant.ts';
export type { KeyMeta } from './key-meta.ts';
export { inRange, type KeyRange, keyRangeOf, prefixRangeEnd } from './key-range.ts';
export { keyBytesOf, keyTextOf } from './key-text.ts';
export { decodeKeyValue, encodeKeyValue, type KeyValue, KeyValueParts } from './key-value.ts';
export * from './lease/index.ts';
export { MemoryEngine, type MemoryEngineOptions } from './memory-engine.ts';
export type { BlockLimits } from './packed-source.ts';
export type {
  PackedKvs,
  PackedRangeResult,
  RangeQuery,
  RangeResult,
  SortOrder,
  SortTarget,
} from './range-query.ts';
// For those who copy the state into other formats.
export { isTombstoneRow, wireOfRevsRow } from './revision-row.ts';
export { RocksDbEngine, type RocksDbEngineOptions } from './rocksdb-engine.ts';
export {
  type CommitListener,
  type CompactionOptions,
  type HashKvResult,
  Store,
  type StoreOptions,
} from './store.ts';
export { type EventPage, StoreEvent } from './store-event.ts';
export { type ImportedCompaction, type ImportedRevision, StoreImport } from './store-import.ts';
export * from './watch/index.ts';
export type { WriteTxn } from './write-txn.ts';
