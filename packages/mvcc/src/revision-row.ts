/**
 * Rows of the columns `revs` and `keys`. Both hold a KeyValue on the wire and a trailer; a row of `keys`
 * is a row of `revs` without its last 12 bytes, so one encoding serves both.
 *
 * ```
 * revs   key    main (8, BE)  sub (4, BE)
 *        value  KeyValue      sub (4) flags (1)  prevMain (8) prevSub (4)
 * keys   key    the key itself
 *        value  KeyValue      sub (4) flags (1)                     value inline
 *               KeyValue      size of the whole wire (4) sub (4) flags (1)   value left out
 * ```
 *
 * A tombstone's KeyValue has the key alone, as in etcd, whose HashKV covers it. prevMain 0: the key did
 * not exist before.
 */

import { MvccError } from './errors.ts';
import { KeyMeta } from './key-meta.ts';
import { keyTextOf } from './key-text.ts';
import { KeyValueParts } from './key-value.ts';

/** Bytes of a key of `revs`. */
export const REV_KEY_SIZE = 12;
/** Bytes after the KeyValue in `keys`. */
export const KEYS_TRAILER_SIZE = 5;
/** Bytes after the KeyValue in `keys` when the value is left out. */
export const LARGE_TRAILER_SIZE = 9;
/** Bytes after the KeyValue in `revs`. */
export const REVS_TRAILER_SIZE = 17;

/** Flag in a row of `revs`: the key was deleted. */
export const FLAG_TOMBSTONE = 1;
/** Flag in a row of `keys`: the value is to be read from `revs`. */
export const FLAG_VALUE_LEFT_OUT = 2;

const TWO_32 = 0x1_0000_0000;

/** Writes four bytes, big-endian. */
export function writeUint32(to: Uint8Array, at: number, n: number): void {
  to[at] = n >>> 24;
  to[at + 1] = n >>> 16;
  to[at + 2] = n >>> 8;
  to[at + 3] = n;
}

/** Reads four bytes, big-endian. */
export function readUint32(from: Uint8Array, at: number): number {
  return (
    (((from[at] ?? 0) << 24) |
      ((from[at + 1] ?? 0) << 16) |
      ((from[at + 2] ?? 0) << 8) |
      (from[at + 3] ?? 0)) >>>
    0
  );
}

/** Writes a revision or another safe integer as eight bytes, big-endian. */
export function writeUint64(to: Uint8Array, at: number, n: number): void {
  writeUint32(to, at, Math.floor(n / TWO_32));
  writeUint32(to, at + 4, n >>> 0);
}

/** Reads eight bytes, big-endian; they must hold a safe integer. */
export function readUint64(from: Uint8Array, at: number): number {
  return readUint32(from, at) * TWO_32 + readUint32(from, at + 4);
}

/** A key of `revs`. */
export function revKeyOf(main: number, sub: number): Uint8Array {
  const key = new Uint8Array(REV_KEY_SIZE);
  writeUint64(key, 0, main);
  writeUint32(key, 8, sub);
  return key;
}

/** Writes the trailer of a row of `revs` at `at`; its first five bytes are the trailer for `keys`. */
export function writeRevsTrailer(
  to: Uint8Array,
  at: number,
  sub: number,
  flags: number,
  prevMain: number,
  prevSub: number,
): void {
  writeUint32(to, at, sub);
  to[at + 4] = flags;
  writeUint64(to, at + 5, prevMain);
  writeUint32(to, at + 13, prevSub);
}

/** The KeyValue in a row of `revs`, a view. */
export function wireOfRevsRow(row: Uint8Array): Uint8Array {
  if (row.length < REVS_TRAILER_SIZE) throw cutRow('revs');
  return row.subarray(0, row.length - REVS_TRAILER_SIZE);
}

/** Whether a row of `revs` records a deletion. */
export function isTombstoneRow(row: Uint8Array): boolean {
  return ((row[row.length - 13] ?? 0) & FLAG_TOMBSTONE) !== 0;
}

/** Main revision of the version that a row of `revs` replaced, or 0. */
export function prevMainOfRow(row: Uint8Array): number {
  return readUint64(row, row.length - 12);
}

/** Sub revision of the version that a row of `revs` replaced. */
export function prevSubOfRow(row: Uint8Array): number {
  return readUint32(row, row.length - 4);
}

/** Whether a row of `keys` holds its value, so that its KeyValue is whole. */
export function hasInlineValue(row: Uint8Array): boolean {
  return ((row[row.length - 1] ?? 0) & FLAG_VALUE_LEFT_OUT) === 0;
}

/** The KeyValue in a row of `keys` that has its value inline, a view. */
export function wireOfKeysRow(row: Uint8Array): Uint8Array {
  if (row.length < KEYS_TRAILER_SIZE) throw cutRow('keys');
  return row.subarray(0, row.length - KEYS_TRAILER_SIZE);
}

/** Text of the key in a row of `keys`, which its KeyValue names too. */
export function keyTextOfKeysRow(row: Uint8Array): string {
  const trailer = hasInlineValue(row) ? KEYS_TRAILER_SIZE : LARGE_TRAILER_SIZE;
  const { keyStart, keyEnd } = new KeyValueParts(row, row.length - trailer);
  return keyTextOf(row.subarray(keyStart, keyEnd));
}

/** What a row of `keys` says; the KeyValue inside is a view of it. */
export function metaOfKeysRow(keyText: string, row: Uint8Array): KeyMeta {
  const inline = hasInlineValue(row);
  const wireEnd = row.length - (inline ? KEYS_TRAILER_SIZE : LARGE_TRAILER_SIZE);
  if (wireEnd < 0) throw cutRow('keys');
  const parts = new KeyValueParts(row, wireEnd);
  return new KeyMeta(
    keyText,
    parts.createRevision,
    parts.modRevision,
    readUint32(row, row.length - KEYS_TRAILER_SIZE),
    parts.version,
    parts.lease,
    inline ? wireEnd : readUint32(row, wireEnd),
    inline ? row.subarray(0, wireEnd) : undefined,
  );
}

function cutRow(column: string): MvccError {
  return new MvccError('corrupt', `a row of ${column} is too short`);
}
