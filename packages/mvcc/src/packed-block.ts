import { KeyValueParts } from './key-value.ts';

/** Tag of the field `kvs` of etcd's RangeResponse. */
export const TAG_KVS = 0x12;

/**
 * All keys of an interval and what they hold at one moment, packed as answers have them. Never changed, so readers may
 * hold on to it.
 */
export class PackedBlock {
  /** First key of the interval, as latin1 text. */
  readonly lo: string;
  /** The key behind the interval; undefined: it has no end. */
  readonly hi: string | undefined;
  /** KeyValues in key order, each as an element of the field `kvs` of etcd's RangeResponse: `12 length KeyValue`. */
  readonly bytes: Uint8Array;
  /** Where each element begins, and where the last one ends. */
  readonly offsets: Uint32Array;
  /** Of the cache that has it: when it was used last. */
  generation = 0;

  /** Takes the arrays over. */
  constructor(lo: string, hi: string | undefined, bytes: Uint8Array, offsets: Uint32Array) {
    this.lo = lo;
    this.hi = hi;
    this.bytes = bytes;
    this.offsets = offsets;
  }

  get keys(): number {
    return this.offsets.length - 1;
  }

  /** The first element whose key is not below `key`; `keys` when there is none. */
  find(key: Uint8Array): number {
    let low = 0;
    let high = this.keys;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKey(this.bytes, this.#wireAt(middle), key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The key of an element. */
  keyAt(element: number): Uint8Array {
    const start = this.#wireAt(element);
    const end = this.offsets[element + 1] ?? 0;
    const wire = this.bytes.subarray(start, end);
    const { keyStart, keyEnd } = new KeyValueParts(wire, wire.length);
    return wire.subarray(keyStart, keyEnd);
  }

  /** Where the KeyValue of an element begins. */
  #wireAt(element: number): number {
    let at = (this.offsets[element] ?? 0) + 1;
    while ((this.bytes[at++] ?? 0) >= 0x80);
    return at;
  }
}

/** Compares the key of the KeyValue that begins at `at` with another, in the order of bytes. */
export function compareKey(bytes: Uint8Array, at: number, key: Uint8Array): number {
  // Every stored KeyValue begins with its key: the tag, a length, the bytes.
  let start = at + 1;
  let size = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = bytes[start++] ?? 0;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  const common = Math.min(size, key.length);
  for (let i = 0; i < common; i++) {
    const difference = (bytes[start + i] ?? 0) - (key[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return size - key.length;
}
