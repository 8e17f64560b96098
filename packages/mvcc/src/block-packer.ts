import { varintSize, writeVarint } from './key-value.ts';
import { PackedBlock, TAG_KVS } from './packed-block.ts';

const FIRST_BYTES = 64 * 1024;
const FIRST_KEYS = 256;
/** A buffer that had to grow larger is not kept. */
const LARGEST_KEPT_BYTES = 4 * 1024 * 1024;

/** Packs KeyValues into one block after the other, through one buffer that stays in the processor's cache. */
export class BlockPacker {
  #bytes = new Uint8Array(FIRST_BYTES);
  #offsets = new Uint32Array(FIRST_KEYS + 1);
  #size = 0;
  #keys = 0;

  /** Packs the KeyValue `row[0, length)`; what else the row has is left out. */
  add(row: Uint8Array, length: number): void {
    // The whole row is copied, which is quicker than a view of its KeyValue: the rest is written over.
    const needed = this.#size + 1 + varintSize(length) + row.length;
    if (needed > this.#bytes.length) this.#growBytes(needed);
    if (this.#keys + 2 > this.#offsets.length) this.#growOffsets();
    this.#bytes[this.#size] = TAG_KVS;
    const start = writeVarint(this.#bytes, this.#size + 1, length);
    this.#bytes.set(row, start);
    this.#size = start + length;
    this.#offsets[++this.#keys] = this.#size;
  }

  /** What was packed, as the block of [lo, hi). */
  take(lo: string, hi: string | undefined): PackedBlock {
    const bytes = this.#bytes.slice(0, this.#size);
    const block = new PackedBlock(lo, hi, bytes, this.#offsets.slice(0, this.#keys + 1));
    this.#size = 0;
    this.#keys = 0;
    if (this.#bytes.length > LARGEST_KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
    return block;
  }

  #growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }

  #growOffsets(): void {
    const grown = new Uint32Array(2 * this.#offsets.length);
    grown.set(this.#offsets);
    this.#offsets = grown;
  }
}
