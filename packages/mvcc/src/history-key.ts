/**
 * Keys of the column `history`, which finds the version of a key at a revision in the past. It has a row
 * for every version that was superseded and for every tombstone; the version that is live now is in
 * `keys` alone, so a key that was written once costs nothing here.
 *
 * ```
 * key     the key, each 00 written as 00 ff    00 01    ~main (8)   ~sub (4)
 * value   flags (1): 1 = tombstone
 * ```
 *
 * The escape keeps the order of keys whatever follows, and the complements put the newest version first.
 */

import { readUint32 } from './revision-row.ts';

const TWO_32 = 0x1_0000_0000;
/** Terminator and revision. */
const SUFFIX_SIZE = 14;

/** Bytes of the history key of `key`. */
export function historyKeySize(key: Uint8Array): number {
  return key.length + countZeros(key) + SUFFIX_SIZE;
}

/** Writes a history key at `at`; there must be `historyKeySize` room. */
export function writeHistoryKey(
  to: Uint8Array,
  at: number,
  key: Uint8Array,
  main: number,
  sub: number,
): void {
  const end = writeEscaped(to, at, key);
  to[end] = 0;
  to[end + 1] = 1;
  writeComplement(to, end + 2, Math.floor(main / TWO_32));
  writeComplement(to, end + 6, main >>> 0);
  writeComplement(to, end + 10, sub);
}

/** The history key of one version. */
export function historyKeyOf(key: Uint8Array, main: number, sub: number): Uint8Array {
  const bytes = new Uint8Array(historyKeySize(key));
  writeHistoryKey(bytes, 0, key, main, sub);
  return bytes;
}

/** Where the versions of `key` that are not newer than revision `main` begin, newest first. */
export function historySeekKey(key: Uint8Array, main: number): Uint8Array {
  return historyKeyOf(key, main, 0xffff_ffff);
}

/** The first place after all versions of `key`. */
export function historyEndOf(key: Uint8Array): Uint8Array {
  const escaped = escapeKey(key);
  const bytes = new Uint8Array(escaped.length + 2);
  bytes.set(escaped);
  bytes[escaped.length + 1] = 2;
  return bytes;
}

/** `key` escaped: a bound that lies before all versions of `key` and after those of all smaller keys. */
export function escapeKey(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(key.length + countZeros(key));
  writeEscaped(bytes, 0, key);
  return bytes;
}

/** The key in a history key: a view when nothing was escaped, else a copy. */
export function keyOfHistoryKey(historyKey: Uint8Array): Uint8Array {
  const escaped = historyKey.subarray(0, historyKey.length - SUFFIX_SIZE);
  let zeros = 0;
  for (const byte of escaped) if (byte === 0) zeros++;
  if (zeros === 0) return escaped;
  const key = new Uint8Array(escaped.length - zeros);
  let end = 0;
  for (let i = 0; i < escaped.length; i++) {
    const byte = escaped[i] ?? 0;
    key[end++] = byte;
    if (byte === 0) i++;
  }
  return key;
}

/** Main revision in a history key. */
export function mainOfHistoryKey(historyKey: Uint8Array): number {
  const at = historyKey.length - 12;
  return (~readUint32(historyKey, at) >>> 0) * TWO_32 + (~readUint32(historyKey, at + 4) >>> 0);
}

/** Sub revision in a history key. */
export function subOfHistoryKey(historyKey: Uint8Array): number {
  return ~readUint32(historyKey, historyKey.length - 4) >>> 0;
}

function countZeros(key: Uint8Array): number {
  let zeros = 0;
  for (let i = 0; i < key.length; i++) if (key[i] === 0) zeros++;
  return zeros;
}

function writeEscaped(to: Uint8Array, at: number, key: Uint8Array): number {
  let end = at;
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] ?? 0;
    to[end++] = byte;
    if (byte === 0) to[end++] = 0xff;
  }
  return end;
}

function writeComplement(to: Uint8Array, at: number, n: number): void {
  to[at] = ~(n >>> 24);
  to[at + 1] = ~(n >>> 16);
  to[at + 2] = ~(n >>> 8);
  to[at + 3] = ~n;
}
