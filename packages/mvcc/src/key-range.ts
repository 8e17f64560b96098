import { keyTextOf } from './key-text.ts';

/**
 * A set of neighbouring keys as latin1 texts: [lo, hi), or from `lo` on when `hi` is undefined. A single
 * key k is [k, k ++ 00).
 */
export interface KeyRange {
  readonly lo: string;
  readonly hi: string | undefined;
  /** Whether it was asked for as one key. */
  readonly single: boolean;
}

/**
 * What etcd means by a key and a range end: no end is the key alone, one zero byte is everything from
 * the key on, anything else is [key, rangeEnd), which is empty when the end does not lie above the key.
 */
export function keyRangeOf(key: Uint8Array, rangeEnd: Uint8Array | undefined): KeyRange {
  const lo = keyTextOf(key);
  if (rangeEnd === undefined || rangeEnd.length === 0) return { lo, hi: `${lo}\0`, single: true };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { lo, hi: undefined, single: false };
  return { lo, hi: keyTextOf(rangeEnd), single: false };
}

/** Whether `range` holds no key at all. */
export function isEmptyRange(range: KeyRange): boolean {
  return range.hi !== undefined && range.hi <= range.lo;
}

/** Whether the key with text `keyText` lies in `range`. */
export function inRange(range: KeyRange, keyText: string): boolean {
  return keyText >= range.lo && (range.hi === undefined || keyText < range.hi);
}

/**
 * The range end that makes [prefix, end) all keys with that prefix: the prefix with its last byte below
 * ff raised by one and the rest cut, or one zero byte ("no end") when there is no such byte.
 *
 * @example prefixRangeEnd(Buffer.from('aa')) // 'ab'
 */
export function prefixRangeEnd(prefix: Uint8Array): Uint8Array {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last] ?? 0;
    if (byte < 0xff) {
      // Not slice: that of a Buffer shares its bytes.
      const end = new Uint8Array(prefix.subarray(0, last + 1));
      end[last] = byte + 1;
      return end;
    }
  }
  return new Uint8Array(1);
}
