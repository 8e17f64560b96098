import { crc32c } from './crc32c.ts';
import type { Column, Scan } from './engine.ts';
import {
  isTombstoneRow,
  prevMainOfRow,
  prevSubOfRow,
  readUint32,
  readUint64,
  revKeyOf,
  wireOfRevsRow,
} from './revision-row.ts';
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
 * What compaction at `compactRevision` removes must be gone already. Of the revisions up to there only those
 * count that are still the newest of their keys at `revision`, unless there is none at all. The tombstone
 * exactly there is skipped: releases of etcd differ on whether they keep it, and their hashes must not.
 */
export async function hashRevisions(
  state: StoreState,
  revision: number,
  compactRevision: number,
): Promise<number> {
  // Both scans are opened now, so that they see the same rows, whatever is compacted meanwhile.
  const upTo = { lt: revKeyOf(Math.max(revision, 0) + 1, 0) };
  const first = state.engine.scan('revs', upTo);
  const second = state.engine.scan('revs', upTo);
  let skipped: ReadonlySet<string> = new Set();
  try {
    if (compactRevision >= 0) skipped = await supersededAt(state, first, compactRevision);
    return await hashRows(state, second, compactRevision, skipped);
  } finally {
    first.close();
    second.close();
  }
}

async function hashRows(
  state: StoreState,
  scan: Scan,
  compactRevision: number,
  skipped: ReadonlySet<string>,
): Promise<number> {
  let crc = crc32c(0, Buffer.from('key'));
  await forEachRow(state, scan, (revKey, row) => {
    const main = readUint64(revKey, 0);
    const tombstone = isTombstoneRow(row);
    if (tombstone && main === compactRevision) return;
    if (main <= compactRevision && skipped.has(nameOf(main, readUint32(revKey, 8)))) return;
    crc = crc32c(crc, etcdRevisionKey(revKey, tombstone));
    crc = crc32c(crc, wireOfRevsRow(row));
  });
  return crc;
}

/**
 * The revisions up to `compactRevision` that a later one of the scan replaced; empty when no key is left at
 * its end.
 */
async function supersededAt(
  state: StoreState,
  scan: Scan,
  compactRevision: number,
): Promise<Set<string>> {
  const superseded = new Set<string>();
  let live = 0;
  await forEachRow(state, scan, (revKey, row) => {
    const isAfter = readUint64(revKey, 0) > compactRevision;
    const prevMain = prevMainOfRow(row);
    if (!isTombstoneRow(row)) live += 1;
    // Of a revision up to the compaction, the one it replaced is gone.
    if (!isAfter || prevMain === 0) return;
    live -= 1;
    if (prevMain <= compactRevision) superseded.add(nameOf(prevMain, prevSubOfRow(row)));
  });
  return live === 0 ? new Set() : superseded;
}

function nameOf(main: number, sub: number): string {
  return `${main}/${sub}`;
}

/** Calls back with key and value of each row of a scan, in slices. */
function forEachRow(
  state: StoreState,
  scan: Scan,
  visit: (revKey: Uint8Array, row: Uint8Array) => void,
): Promise<void> {
  return runInSlices(state.turn, state.now, () => {
    const page = scan.next(ROWS_PER_STEP);
    for (let i = 0; i < page.length; i += 2) {
      const revKey = page[i];
      const row = page[i + 1];
      if (revKey !== undefined && row !== undefined) visit(revKey, row);
    }
    return page.length === 0;
  });
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
