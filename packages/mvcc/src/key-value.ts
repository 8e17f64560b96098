/**
 * The wire format of mvccpb.KeyValue: ascending field numbers, zero fields left out. These bytes are
 * what the disk holds, what answers are made of and what HashKV covers, so they are written once here
 * and copied from then on.
 *
 * ```
 * 0a len key   10 createRevision   18 modRevision   20 version   2a len value   30 lease
 * ```
 */

import { MvccError } from './errors.ts';

const TAG_KEY = 0x0a;
const TAG_CREATE_REVISION = 0x10;
const TAG_MOD_REVISION = 0x18;
const TAG_VERSION = 0x20;
const TAG_VALUE = 0x2a;
const TAG_LEASE = 0x30;
const TWO_32 = 0x1_0000_0000;
const NO_BYTES = new Uint8Array(0);

/** A KeyValue as an object; `decodeKeyValue` makes its arrays views of the wire. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: bigint;
}

/** Bytes of a varint; `n` must be a safe integer >= 0. */
export function varintSize(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  if (n < 0x20_0000) return 3;
  if (n < 0x1000_0000) return 4;
  let size = 4;
  for (let rest = Math.floor(n / 0x1000_0000); rest > 0; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes a varint at `at` and returns the position after it. */
export function writeVarint(to: Uint8Array, at: number, n: number): number {
  let rest = n;
  let end = at;
  while (rest >= 0x8000_0000) {
    to[end++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    to[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[end++] = rest;
  return end;
}

/** Bytes of the KeyValue with these parts, for `writeKeyValue`. */
export function keyValueSize(
  keySize: number,
  createRevision: number,
  modRevision: number,
  version: number,
  valueSize: number,
  lease: bigint,
): number {
  let size = 0;
  if (keySize > 0) size += 1 + varintSize(keySize) + keySize;
  if (createRevision > 0) size += 1 + varintSize(createRevision);
  if (modRevision > 0) size += 1 + varintSize(modRevision);
  if (version > 0) size += 1 + varintSize(version);
  if (valueSize > 0) size += 1 + varintSize(valueSize) + valueSize;
  if (lease !== 0n) size += 1 + leaseSize(lease);
  return size;
}

/** Writes a KeyValue at `at` and returns the position after it; there must be `keyValueSize` room. */
export function writeKeyValue(
  to: Uint8Array,
  at: number,
  key: Uint8Array,
  createRevision: number,
  modRevision: number,
  version: number,
  value: Uint8Array,
  lease: bigint,
): number {
  let end = at;
  if (key.length > 0) end = writeBytes(to, end, TAG_KEY, key);
  if (createRevision > 0) {
    to[end] = TAG_CREATE_REVISION;
    end = writeVarint(to, end + 1, createRevision);
  }
  if (modRevision > 0) {
    to[end] = TAG_MOD_REVISION;
    end = writeVarint(to, end + 1, modRevision);
  }
  if (version > 0) {
    to[end] = TAG_VERSION;
    end = writeVarint(to, end + 1, version);
  }
  if (value.length > 0) end = writeBytes(to, end, TAG_VALUE, value);
  if (lease !== 0n) {
    to[end] = TAG_LEASE;
    end = writeLease(to, end + 1, lease);
  }
  return end;
}

/** One KeyValue in an array of its own. */
export function encodeKeyValue(kv: KeyValue): Uint8Array {
  const { key, createRevision, modRevision, version, value, lease } = kv;
  const size = keyValueSize(key.length, createRevision, modRevision, version, value.length, lease);
  const wire = new Uint8Array(size);
  writeKeyValue(wire, 0, key, createRevision, modRevision, version, value, lease);
  return wire;
}

/** The parts of a KeyValue with key and value as views of `wire`. Throws `MvccError` "corrupt". */
export function decodeKeyValue(wire: Uint8Array): KeyValue {
  const parts = new KeyValueParts(wire, wire.length);
  return {
    key: wire.subarray(parts.keyStart, parts.keyEnd),
    createRevision: parts.createRevision,
    modRevision: parts.modRevision,
    version: parts.version,
    value:
      parts.valueStart === parts.valueEnd
        ? NO_BYTES
        : wire.subarray(parts.valueStart, parts.valueEnd),
    lease: parts.lease,
  };
}

/** The numbers of a KeyValue and where its key and value lie; nothing is copied. */
export class KeyValueParts {
  keyStart = 0;
  keyEnd = 0;
  createRevision = 0;
  modRevision = 0;
  version = 0;
  valueStart = 0;
  valueEnd = 0;
  lease = 0n;
  #at = 0;

  /** Reads `wire[0, end)`. Throws `MvccError` "corrupt" when that is not a KeyValue. */
  constructor(wire: Uint8Array, end: number) {
    while (this.#at < end) {
      const tag = wire[this.#at++];
      if (tag === TAG_KEY) {
        this.keyEnd = this.#skipBytes(wire, end);
        this.keyStart = this.#at;
        this.#at = this.keyEnd;
      } else if (tag === TAG_CREATE_REVISION) this.createRevision = this.#varint(wire, end);
      else if (tag === TAG_MOD_REVISION) this.modRevision = this.#varint(wire, end);
      else if (tag === TAG_VERSION) this.version = this.#varint(wire, end);
      else if (tag === TAG_VALUE) {
        this.valueEnd = this.#skipBytes(wire, end);
        this.valueStart = this.#at;
        this.#at = this.valueEnd;
      } else if (tag === TAG_LEASE) this.lease = this.#lease(wire, end);
      else throw corrupt(`unknown tag ${tag}`);
    }
  }

  #varint(wire: Uint8Array, end: number): number {
    let n = 0;
    let scale = 1;
    while (this.#at < end) {
      const byte = wire[this.#at++] ?? 0;
      n += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (n > Number.MAX_SAFE_INTEGER) throw corrupt('number too large');
        return n;
      }
      scale *= 0x80;
    }
    throw corrupt('cut varint');
  }

  /** Reads a length and returns where the bytes end; they start at the current position. */
  #skipBytes(wire: Uint8Array, end: number): number {
    const length = this.#varint(wire, end);
    if (this.#at + length > end) throw corrupt('cut bytes');
    return this.#at + length;
  }

  /** Lease ids use all 64 bits, so they are put together from three safe pieces. */
  #lease(wire: Uint8Array, end: number): bigint {
    const start = this.#at;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let i = 0; this.#at < end && i < 10; i++) {
      const byte = wire[this.#at++] ?? 0;
      const bits = byte & 0x7f;
      if (i < 4) low += bits * 2 ** (7 * i);
      else if (i < 8) middle += bits * 2 ** (7 * (i - 4));
      else high += bits * 2 ** (7 * (i - 8));
      if (byte < 0x80) return lease64(low, middle, high);
    }
    throw corrupt(`bad lease at ${start}`);
  }
}

function lease64(low: number, middle: number, high: number): bigint {
  if (high === 0 && middle < 0x100_0000) return BigInt(low + middle * 0x1000_0000);
  return BigInt.asIntN(64, BigInt(low) | (BigInt(middle) << 28n) | (BigInt(high) << 56n));
}

function leaseSize(lease: bigint): number {
  const bits = BigInt.asUintN(64, lease);
  if (bits <= BigInt(Number.MAX_SAFE_INTEGER)) return varintSize(Number(bits));
  let size = 0;
  for (let rest = bits; rest > 0n; rest >>= 7n) size++;
  return size;
}

function writeLease(to: Uint8Array, at: number, lease: bigint): number {
  const bits = BigInt.asUintN(64, lease);
  let low = Number(bits & 0xffff_ffffn);
  let high = Number(bits >> 32n);
  let end = at;
  while (high > 0 || low >= 0x80) {
    to[end++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) + (high & 0x7f) * (TWO_32 / 0x80);
    high = high >>> 7;
  }
  to[end++] = low;
  return end;
}

function writeBytes(to: Uint8Array, at: number, tag: number, bytes: Uint8Array): number {
  to[at] = tag;
  const start = writeVarint(to, at + 1, bytes.length);
  to.set(bytes, start);
  return start + bytes.length;
}

function corrupt(what: string): MvccError {
  return new MvccError('corrupt', `stored KeyValue is damaged: ${what}`);
}

/** The KeyValue in `wire` without its value, and without its lease if `dropLease`. */
export function withoutValue(wire: Uint8Array, dropLease: boolean): Uint8Array {
  const parts = new KeyValueParts(wire, wire.length);
  const hasValue = parts.valueEnd > parts.valueStart;
  const hasLease = parts.lease !== 0n;
  if (!hasValue && !(hasLease && dropLease)) return wire;
  const valueTag = hasValue
    ? parts.valueStart - 1 - varintSize(parts.valueEnd - parts.valueStart)
    : 0;
  const leaseStart = hasLease ? wire.length - 1 - leaseSize(parts.lease) : wire.length;
  const headEnd = hasValue ? valueTag : leaseStart;
  const head = wire.subarray(0, headEnd);
  if (!hasLease || dropLease) return head;
  const shorter = new Uint8Array(headEnd + wire.length - leaseStart);
  shorter.set(head);
  shorter.set(wire.subarray(leaseStart), headEnd);
  return shorter;
}
