import type { Column, Engine } from './engine.ts';
import type { KeyMeta } from './key-meta.ts';
import type { RangeQuery, RangeResult } from './range-query.ts';
import type { EventPage, StoreEvent } from './store-event.ts';

/** What `Store.open` needs. */
export interface StoreOptions {
  readonly engine: Engine;
  /** Bytes of the cache of latest versions; default 64 MiB. */
  readonly cacheBytes?: number;
  /** Largest value kept beside its key in the `keys` column and in the cache; default 1,024 bytes. */
  readonly inlineValueBytes?: number;
  readonly compaction?: { readonly batchLimit?: number };
  /** Runs `fn` on a later turn of the loop: background slices yield through it. */
  readonly turn: (fn: () => void) => void;
  /** Milliseconds of a monotonic clock, read only to end slices in time. */
  readonly now: () => number;
}

/** One hash over what the store holds, comparable between members and with etcd. */
export interface HashKvResult {
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}

export declare class Store {
  static open(options: StoreOptions): Store;
  readonly engine: Engine;
  readonly revision: number;
  readonly compactRevision: number;
  range(query: RangeQuery): RangeResult;
  rangeAsync(query: RangeQuery): Promise<RangeResult>;
  get(keyText: string): KeyMeta | undefined;
  wireOf(meta: KeyMeta): Uint8Array;
  getMeta(name: string): Uint8Array | undefined;
  /** Latin1 texts of the keys attached to a lease, in byte order. */
  leaseKeys(lease: bigint): string[];
  batch(): ApplyBatch;
  onCommit(listener: (events: readonly StoreEvent[], revision: number) => void): void;
  readEvents(from: number, limitEvents: number, limitBytes: number): EventPage;
  previousOf(event: Pick<StoreEvent, 'prev' | 'prevMain' | 'prevSub'>): Uint8Array | undefined;
  hashKv(revision: number): Promise<HashKvResult>;
  hash(): Promise<number>;
  whenCompacted(): Promise<void>;
  close(): Promise<void>;
}

export declare class ApplyBatch {
  /** Loads the latest versions of many keys with one read of the engine. */
  prefetch(keyTexts: readonly string[]): void;
  begin(): WriteTxn;
  compact(revision: number): void;
  getMeta(name: string): Uint8Array | undefined;
  putMeta(name: string, value: Uint8Array): void;
  deleteMeta(name: string): void;
  /** Rows of other columns that ride in the same write; the store does not look at them. */
  getRow(column: Column, key: Uint8Array): Uint8Array | undefined;
  putRow(column: Column, key: Uint8Array, value: Uint8Array): void;
  deleteRow(column: Column, key: Uint8Array): void;
  /** Latin1 texts of the keys attached to a lease, with what this batch changed. */
  leaseKeys(lease: bigint): string[];
  commit(options?: { readonly sync?: boolean }): void;
  /** Forgets everything; the store is as before `batch()`. */
  abandon(): void;
}

export declare class WriteTxn {
  readonly revisionBefore: number;
  /** Revision this transaction has, or will have with its first change. */
  readonly changed: boolean;
  put(key: Uint8Array, value: Uint8Array, lease: bigint): { prev: KeyMeta | undefined };
  /** Returns the deleted versions in key order. */
  deleteRange(key: Uint8Array, rangeEnd: Uint8Array): KeyMeta[];
  range(query: RangeQuery): RangeResult;
  get(keyText: string): KeyMeta | undefined;
  wireOf(meta: KeyMeta): Uint8Array;
  /** Revision of the store after it: one more than before if anything changed. */
  end(): number;
}
