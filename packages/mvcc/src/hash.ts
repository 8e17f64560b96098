import { crc32c } from './crc32c.ts';
import type { Column } from './engine.ts';
import { isTombstoneRow, readUint64, revKeyOf, wireOfRevsRow } from './revision-row.ts';
import { runInSlices } from './slices.ts';
import type { StoreState } from './store-state.ts';

const ROWS_PER_STEP = 256;
/** Columns that `hashAll` covers whole. */
const HASHED_COLUMNS: readonly Column[] = ['revs', 'keys', 'history', 'leases', 'leasekeys'];
const UNDERSCORE = 0x5f;
const TOMBSTONE_MARK = 0x74;

/**
 * CRC-32C over what etcd's HashKV covers, byte for byte: the name of its bucket and then, for every
 * revision up to `revision`, etcd's key for it and the KeyValue.
 *
 * ```
 * etcd's revision key   main (8, BE)  '_'  sub (8, BE)  't' if a tombstone
 * ```
 *
 * What compaction at `compactRevision` removes must be gone already. The tombstone exactly there is
 * skipped: releases of etcd differ on whether they keep it, and their hashes must not.
 */
export async function hashRevisions(
  state: StoreState,
  revision: number,
  compactRevision: number,
): Promise<number> {
  const scan = state.engine.scan('revs', { lt: revKeyOf(revision + 1, 0) });
  let crc = crc32c(0, Buffer.from('key'));
  try {
    await runInSlices(state.turn, state.now, () => {
      const page = scan.next(ROWS_PER_STEP);
      for (let i = 0; i < page.length; i += 2) {
        const revKey = page[i];
        const row = page[i + 1];
        if (revKey === undefined || row === undefined) continue;
        const tombstone = isTombstoneRow(row);
        if (tombstone && readUint64(revKey, 0) === compactRevision) continue;
        crc = crc32c(crc, etcdRevisionKey(revKey, tombstone));
        crc = crc32c(crc, wireOfRevsRow(row));
      }
      return page.length === 0;
    });
  } finally {
    scan.close();
  }
  return crc;
}

function etcdRevisionKey(revKey: Uint8Array, tombstone: boolean): Uint8Array {
  const key = new Uint8Array(tombstone ? 18 : 17);
  key.set(revKey.subarray(0, 8));
  key[8] = UNDERSCORE;
  key.set(revKey.subarray(8, 12), 13);
  if (tombstone) key[17] = TOMBSTONE_MARK;
  return key;
}

/**
 * CRC-32C over the rows of all columns at one moment, and over those rows of `meta` that `ofMeta` picks
 * by name: the others differ between members that hold the same data.
 */
export async function hashAll(
  state: StoreState,
  ofMeta: (name: string) => boolean,
): Promise<number> {
  const columns: readonly Column[] = [...HASHED_COLUMNS, 'meta'];
  const scans = columns.map((column) => state.engine.scan(column));
  let crc = 0;
  let column = 0;
  let started = false;
  try {
    await runInSlices(state.turn, state.now, () => {
      const name = columns[column];
      const scan = scans[column];
      if (name === undefined || scan === undefined) return true;
      if (!started) crc = crc32c(crc, Buffer.from(name));
      started = true;
      const page = scan.next(ROWS_PER_STEP);
      crc = hashPage(crc, page, name === 'meta' ? ofMeta : undefined);
      if (page.length === 0) {
        column++;
        started = false;
      }
      return false;
    });
  } finally {
    for (const scan of scans) scan.close();
  }
  return crc;
}

function hashPage(
  before: number,
  page: readonly Uint8Array[],
  ofName: ((name: string) => boolean) | undefined,
): number {
  let crc = before;
  const length = new Uint8Array(4);
  for (let i = 0; i < page.length; i += 2) {
    const key = page[i];
    const value = page[i + 1];
    if (key === undefined || value === undefined) continue;
    if (ofName !== undefined && !ofName(Buffer.from(key).toString())) continue;
    new DataView(length.buffer).setUint32(0, key.length);
    crc = crc32c(crc32c(crc32c(crc, length), key), value);
  }
  return crc;
}
