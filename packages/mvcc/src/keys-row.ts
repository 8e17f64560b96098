import type { KeyMeta } from './key-meta.ts';
import { keyValueSize, writeKeyValue } from './key-value.ts';
import {
  FLAG_VALUE_LEFT_OUT,
  KEYS_TRAILER_SIZE,
  LARGE_TRAILER_SIZE,
  writeUint32,
} from './revision-row.ts';

/** Largest value, about, that is kept in `keys` too. */
export const DEFAULT_INLINE_VALUE_BYTES = 1024;

const NO_BYTES = new Uint8Array(0);

/** Whether the latest version of a key has its value beside it in `keys`; `wireSize` is that of its KeyValue. */
export function isInlineSize(wireSize: number, keySize: number, inlineValueBytes: number): boolean {
  // Key and numbers are small change: the limit is meant for values, and a few bytes do not matter.
  return wireSize <= inlineValueBytes + keySize + 32;
}

/** A row of `keys` with its whole KeyValue. */
export function encodeInlineRow(wire: Uint8Array, sub: number): Uint8Array {
  const row = new Uint8Array(wire.length + KEYS_TRAILER_SIZE);
  row.set(wire);
  writeUint32(row, wire.length, sub);
  return row;
}

/** A row of `keys` whose value is only in `revs`. */
export function encodeLargeRow(meta: KeyMeta, key: Uint8Array): Uint8Array {
  const { createRevision, modRevision, version, lease } = meta;
  const size = keyValueSize(key.length, createRevision, modRevision, version, 0, lease);
  const row = new Uint8Array(size + LARGE_TRAILER_SIZE);
  writeKeyValue(row, 0, key, createRevision, modRevision, version, NO_BYTES, lease);
  writeUint32(row, size, meta.wireSize);
  writeUint32(row, size + 4, meta.sub);
  row[size + 8] = FLAG_VALUE_LEFT_OUT;
  return row;
}
