import type { KeyRange } from './key-range.ts';
import type { PackedBlock } from './packed-block.ts';

/** What a block costs besides its bytes: objects and bounds, about. */
const BLOCK_OVERHEAD_BYTES = 512;

/**
 * Blocks of the latest versions of keys, as ranges have read them, within a budget of bytes: reading a range again
 * costs a copy of its bytes, where the engine takes a microsecond for each key. A commit forgets the blocks whose keys
 * it changes, so that all that is here is true.
 *
 * Blocks are used in generations: when those used in this one have half the budget, the next one begins, and what was
 * not used in the last one is forgotten.
 */
export class BlockCache {
  readonly #generationBytes: number;
  /** In key order; no two of them share a key. */
  #blocks: PackedBlock[] = [];
  #generation = 0;
  /** Of the blocks used in this generation, those that were forgotten since included. */
  #usedBytes = 0;

  /** `budgetBytes` bounds all blocks together; 0 keeps none. */
  constructor(budgetBytes: number) {
    this.#generationBytes = budgetBytes / 2;
  }

  get size(): number {
    return this.#blocks.length;
  }

  /** The blocks that have keys in common with a range, in key order. */
  inRange({ lo, hi }: KeyRange): PackedBlock[] {
    if (this.#blocks.length === 0) return [];
    const found: PackedBlock[] = [];
    for (let at = this.#firstEndingAfter(lo); at < this.#blocks.length; at++) {
      const block = this.#blocks[at];
      if (block === undefined || (hi !== undefined && block.lo >= hi)) break;
      found.push(block);
    }
    for (const block of found) this.#use(block);
    return found;
  }

  /** Keeps a block of the latest versions, unless it is too large or others have keys of it. */
  add(block: PackedBlock): void {
    if (costOf(block) > this.#generationBytes) return;
    const at = this.#firstEndingAfter(block.lo);
    const next = this.#blocks[at];
    if (next !== undefined && (block.hi === undefined || next.lo < block.hi)) return;
    this.#blocks.splice(at, 0, block);
    block.generation = -1;
    this.#use(block);
  }

  /** Forgets what was known of a key that has changed. */
  forget(keyText: string): void {
    if (this.#blocks.length === 0) return;
    const at = this.#firstEndingAfter(keyText);
    const block = this.#blocks[at];
    if (block !== undefined && block.lo <= keyText) this.#blocks.splice(at, 1);
  }

  #use(block: PackedBlock): void {
    if (block.generation === this.#generation) return;
    block.generation = this.#generation;
    this.#usedBytes += costOf(block);
    if (this.#usedBytes < this.#generationBytes) return;
    const ending = this.#generation;
    this.#blocks = this.#blocks.filter(({ generation }) => generation === ending);
    this.#generation++;
    this.#usedBytes = 0;
  }

  /** Position of the first block whose interval does not end before or at a key. */
  #firstEndingAfter(keyText: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const hi = this.#blocks[middle]?.hi;
      if (hi !== undefined && hi <= keyText) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function costOf({ bytes, offsets, lo }: PackedBlock): number {
  return BLOCK_OVERHEAD_BYTES + bytes.length + offsets.byteLength + 2 * lo.length;
}
