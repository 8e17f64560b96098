import { crc32c } from './crc32c.ts';
import { invariant } from './invariant.ts';
import { MAX_DATA_SIZE, MAX_OVERHEAD_SIZE } from './record.ts';

/** Size the buffer starts with and returns to: room for 3,000 records of 300 bytes. */
const USUAL_SIZE = 1024 * 1024;

/** A buffer that one huge batch has grown beyond this is given back after use. */
const KEPT_SIZE = 4 * USUAL_SIZE;

/** Turns records into frames in one reused buffer, and carries the rolling checksum. */
export class Encoder {
  /** Rolling CRC-32C of all data encoded so far. */
  crc: number;
  #buffer = new Uint8Array(USUAL_SIZE);
  #size = 0;

  constructor(crc: number) {
    this.crc = crc;
  }

  /** The frames added since `clear`: borrowed, valid until the next `add`. */
  get frames(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** Bytes of `frames`. */
  get size(): number {
    return this.#size;
  }

  /** Forgets the frames, not the checksum. */
  clear(): void {
    this.#size = 0;
    if (this.#buffer.length > KEPT_SIZE) this.#buffer = new Uint8Array(USUAL_SIZE);
  }

  /** Adds one frame. `data` is copied; empty data is left out of the record, as etcd does. */
  add(type: number, data: Uint8Array): void {
    const dataSize = data.length;
    invariant(dataSize <= MAX_DATA_SIZE, 'record is too large', dataSize);
    if (this.#size + dataSize + MAX_OVERHEAD_SIZE > this.#buffer.length) this.#grow(dataSize);
    const buffer = this.#buffer;
    const start = this.#size;
    const crc = crc32c(this.crc, data);
    this.crc = crc;

    let at = start + 8;
    buffer[at++] = 0x08;
    buffer[at++] = type;
    buffer[at++] = 0x10;
    at = putVarint(buffer, at, crc);
    if (dataSize > 0) {
      buffer[at++] = 0x1a;
      at = putVarint(buffer, at, dataSize);
      buffer.set(data, at);
      at += dataSize;
    }
    const recordSize = at - start - 8;
    const pad = -recordSize & 7;
    for (let i = 0; i < pad; i++) buffer[at++] = 0;
    // MAX_DATA_SIZE is below 2^32, so the upper 24 bits of the length stay zero.
    buffer[start] = recordSize & 255;
    buffer[start + 1] = (recordSize >>> 8) & 255;
    buffer[start + 2] = (recordSize >>> 16) & 255;
    buffer[start + 3] = recordSize >>> 24;
    buffer[start + 4] = 0;
    buffer[start + 5] = 0;
    buffer[start + 6] = 0;
    buffer[start + 7] = pad === 0 ? 0 : 0x80 | pad;
    this.#size = at;
  }

  #grow(dataSize: number): void {
    const needed = this.#size + dataSize + MAX_OVERHEAD_SIZE;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.frames);
    this.#buffer = grown;
  }
}

/** Writes an unsigned 32-bit number; returns the position after it. */
function putVarint(buffer: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest >= 0x80) {
    buffer[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}
