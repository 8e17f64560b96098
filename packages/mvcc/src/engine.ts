/**
 * The ordered key-value engine under the store: a few named columns, atomic batches over all of them,
 * and scans that see one moment. Nothing above this border knows which engine it has; every engine
 * passes `testing/engine-conformance.ts`.
 */

/**
 * The columns, in the order in which engines create them. A database that lacks one is opened as if
 * the column were empty.
 *
 * - `revs`       revision → KeyValue (`revision-row.ts`)
 * - `keys`       key → its latest live version (`revision-row.ts`)
 * - `history`    superseded versions and tombstones by key, newest first (`history-key.ts`)
 * - `meta`       small named rows
 * - `leases`     lease id → what the lessor stores
 * - `leasekeys`  lease id ++ key → empty
 */
export const COLUMNS = ['revs', 'keys', 'history', 'meta', 'leases', 'leasekeys'] as const;

/** Name of one column. */
export type Column = (typeof COLUMNS)[number];

/** What a scan covers: the keys of [gte, lt), a missing bound being open. */
export interface ScanOptions {
  readonly gte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  /** From the highest key down; default false. */
  readonly reverse?: boolean | undefined;
  /** Most entries to return over the whole scan; default: all. */
  readonly limit?: number | undefined;
  /** Leave the values out: `next` returns them as empty arrays, which costs less. */
  readonly keysOnly?: boolean | undefined;
  /** Leave the keys out: `next` returns them as empty arrays, which costs less. */
  readonly valuesOnly?: boolean | undefined;
}

/**
 * An open scan. It sees the column as it was when the scan was opened, whatever is written later, and
 * holds resources of the engine until `close()`.
 */
export interface Scan {
  /**
   * Up to `maxEntries` (>= 1) further entries as one flat array: key, value, key, value, … Empty only
   * at the end. The caller owns the array; the bytes in it are never written to again by anyone.
   */
  next(maxEntries: number): Uint8Array[];
  /**
   * Moves to the first entry at or after `key` (reverse scans: at or before), within the bounds.
   * Entries returned so far still count towards `limit`.
   */
  seek(key: Uint8Array): void;
  /** Releases the scan; a second call does nothing. */
  close(): void;
}

/**
 * Writes that become visible together and survive a crash together or not at all. Later writes to a
 * key win over earlier ones of the same batch. Keys and values are taken over at the call: an engine
 * may keep them without a copy, so the caller must not change the bytes afterwards.
 */
export interface EngineBatch {
  /** Writes a row. */
  put(column: Column, key: Uint8Array, value: Uint8Array): void;
  /** Deletes a row, if there is one. */
  delete(column: Column, key: Uint8Array): void;
  /**
   * Applies the batch; it can't be used again. With `sync` it is durable on return, and so is all that
   * was written before it. Throws `MvccError` "engine" when the disk refuses, with nothing applied.
   */
  write(options?: { readonly sync?: boolean }): void;
}

/** See the head of this file. All calls but `close` are synchronous. */
export interface Engine {
  /** The value at `key`; the caller must not write to it. */
  get(column: Column, key: Uint8Array): Uint8Array | undefined;
  /** As `get` for each of `keys`, in order, in one call; far cheaper than one by one. */
  getMany(column: Column, keys: readonly Uint8Array[]): (Uint8Array | undefined)[];
  /** Reads rows in order, as of this moment. */
  scan(column: Column, options?: ScanOptions): Scan;
  /** Begins a batch, which is written wholly or not at all. */
  batch(): EngineBatch;
  /** Bytes on disk and in write buffers, about; it may lag behind deletes until space is reclaimed. */
  sizeBytes(): number;
  /** Returns once everything written so far survives a power failure. */
  sync(): void;
  /**
   * Closes the engine. Calls on it, its open scans and unwritten batches throw `MvccError` "engine" from
   * then on; scans may still be closed, and a second close does nothing.
   */
  close(): Promise<void>;
}
