// Named, since a global is looked up each time.
import { Buffer } from 'node:buffer';
import { int64Words } from './int64-words.ts';

/**
 * Writes protobuf wire format into a buffer of its own that grows as needed. `take()` hands out a copy of exactly the
 * bytes written and starts over, so one writer serves a whole process.
 */
export class ProtoWriter {
  #buffer: Buffer;
  #pos = 0;

  constructor(initialSize = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(initialSize);
  }

  /** Bytes written since the last `take`. */
  get size(): number {
    return this.#pos;
  }

  /** A tag; `tag` is `field << 3 | wireType`. */
  tag(tag: number): this {
    return this.uint(tag);
  }

  /** An unsigned safe integer as varint. */
  uint(value: number): this {
    this.#reserve(10);
    const buffer = this.#buffer;
    let rest = value;
    while (rest >= 0x80) {
      buffer[this.#pos++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    buffer[this.#pos++] = rest;
    return this;
  }

  /** An int64 or uint64 as varint: negative numbers take ten bytes. */
  int64(value: bigint): this {
    int64Words.split(value);
    return this.uint64Halves(int64Words.high, int64Words.low);
  }

  /** A signed safe integer as int64 varint. */
  int(value: number): this {
    return value < 0 ? this.int64(BigInt(value)) : this.uint(value);
  }

  /** A uint64 given as two halves of 32 bits. */
  uint64Halves(high: number, low: number): this {
    this.#reserve(10);
    const buffer = this.#buffer;
    let restHigh = high >>> 0;
    let restLow = low >>> 0;
    while (restHigh !== 0 || restLow >= 0x80) {
      buffer[this.#pos++] = (restLow & 0x7f) | 0x80;
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    buffer[this.#pos++] = restLow;
    return this;
  }

  /** A tag, a length and the bytes. */
  bytes(tag: number, bytes: Uint8Array): this {
    this.uint(tag).uint(bytes.length);
    return this.raw(bytes);
  }

  text(tag: number, text: string): this {
    return this.bytes(tag, Buffer.from(text));
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#pos);
    this.#pos += bytes.length;
    return this;
  }

  /** A copy of what was written, owned by the caller; the writer is empty again. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#pos);
    this.#buffer.copy(copy, 0, 0, this.#pos);
    this.#pos = 0;
    return copy;
  }

  #reserve(size: number): void {
    if (this.#pos + size <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#pos + size));
    this.#buffer.copy(grown, 0, 0, this.#pos);
    this.#buffer = grown;
  }
}

/** Bytes that a varint of this unsigned safe integer takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  return size;
}
