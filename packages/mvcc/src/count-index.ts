import type { Engine } from './engine.ts';
import { invariant } from './invariant.ts';
import type { KeyRange } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';

/** How the index is cut. */
export interface CountIndexLimits {
  /** Keys of a block when it is learned. Smaller: cheaper edges of ranges, more blocks to hold. */
  readonly blockKeys: number;
  /** Blocks in memory, about 150 bytes each with their bound; beyond it blocks are made larger. */
  readonly maxBlocks: number;
}

const DEFAULT_LIMITS: CountIndexLimits = { blockKeys: 128, maxBlocks: 65_536 };
/** A block that grew to this many times its size is forgotten, to be learned again as several. */
const LARGEST_GROWTH = 4;
const UNKNOWN = -1;

/**
 * How many live keys a range has, without reading them all each time: every limited range answer needs
 * the number, and paging through a large range would otherwise read it to its end once a page.
 *
 * The keyspace is cut into blocks at `#bounds`; block i covers [bounds[i], bounds[i + 1]). A block's count
 * is learned by scanning it when it is first asked for, and from then on kept by adding what each commit
 * creates and deletes. A block is cut in two where a range begins or ends inside it, so that a question
 * asked again costs no scan. Nothing is stored: after a restart the first questions scan again.
 */
export class CountIndex {
  readonly #engine: Engine;
  #bounds: string[] = [''];
  #counts: number[] = [UNKNOWN];
  readonly #maxBlocks: number;
  #blockKeys: number;

  constructor(engine: Engine, limits: CountIndexLimits = DEFAULT_LIMITS) {
    this.#engine = engine;
    this.#blockKeys = limits.blockKeys;
    this.#maxBlocks = limits.maxBlocks;
  }

  /** Blocks in memory. */
  get blocks(): number {
    return this.#bounds.length;
  }

  /** Tells of a commit: `keyText` came to life (+1) or was deleted (-1). */
  add(keyText: string, delta: 1 | -1): void {
    const block = this.#blockOf(keyText);
    const count = this.#counts[block] ?? UNKNOWN;
    if (count === UNKNOWN) return;
    invariant(count + delta >= 0, 'a block has no fewer than zero keys', { keyText });
    const full = count + delta > LARGEST_GROWTH * this.#blockKeys;
    this.#counts[block] = full ? UNKNOWN : count + delta;
  }

  /**
   * Scans one block of `range` whose count is not known; false when there is none left. Each call is a
   * bounded piece of work, so that large ranges can be learned in slices while commits go on.
   */
  learnNext(range: KeyRange): boolean {
    const end = this.#endOf(range);
    for (let block = this.#blockOf(range.lo); block < end; block++) {
      if (this.#counts[block] !== UNKNOWN) continue;
      this.#learn(block);
      return true;
    }
    return false;
  }

  /** Live keys of `range`, scanning what is not known. */
  count(range: KeyRange): number {
    let known = this.countKnown(range);
    while (known === undefined) {
      this.learnNext(range);
      known = this.countKnown(range);
    }
    return known;
  }

  /** Live keys of `range` if all its blocks are known; what is scanned is no more than two of them. */
  countKnown(range: KeyRange): number | undefined {
    if (!this.#isKnown(range)) return undefined;
    this.#cutAt(range.lo);
    if (range.hi !== undefined) this.#cutAt(range.hi);
    const end = this.#endOf(range);
    let sum = 0;
    for (let block = this.#blockOf(range.lo); block < end; block++) sum += this.#counts[block] ?? 0;
    if (this.#bounds.length > this.#maxBlocks) this.#coarsen();
    return sum;
  }

  #isKnown(range: KeyRange): boolean {
    const end = this.#endOf(range);
    for (let block = this.#blockOf(range.lo); block < end; block++) {
      if (this.#counts[block] === UNKNOWN) return false;
    }
    return true;
  }

  /** Makes `bound` the start of a block. */
  #cutAt(bound: string): void {
    const block = this.#blockOf(bound);
    const start = this.#bounds[block] ?? '';
    if (start === bound) return;
    const count = this.#counts[block] ?? UNKNOWN;
    const below = this.#scanCount(start, bound);
    invariant(below <= count, 'a part of a block has no more keys than the block', {
      below,
      count,
    });
    this.#bounds.splice(block + 1, 0, bound);
    this.#counts.splice(block, 1, below, count - below);
  }

  /** Learns the count of the first keys of a block, and cuts the rest of it off as another block. */
  #learn(block: number): void {
    const from = this.#bounds[block] ?? '';
    const to = this.#bounds[block + 1];
    const scan = this.#engine.scan('keys', {
      gte: keyBytesOf(from),
      lt: to === undefined ? undefined : keyBytesOf(to),
      limit: this.#blockKeys + 1,
      keysOnly: true,
    });
    let count = 0;
    let next: Uint8Array | undefined;
    for (let page = scan.next(this.#blockKeys + 1); page.length > 0; page = scan.next(1)) {
      count += page.length / 2;
      next = page[page.length - 2];
    }
    scan.close();
    if (count <= this.#blockKeys || next === undefined) {
      this.#counts[block] = count;
      this.#joinEmpty(block);
      return;
    }
    this.#counts[block] = this.#blockKeys;
    this.#bounds.splice(block + 1, 0, keyTextOf(next));
    this.#counts.splice(block + 1, 0, UNKNOWN);
    if (this.#bounds.length > this.#maxBlocks) this.#coarsen();
  }

  /** A block found empty is merged into the one before it, so deleted ranges leave no blocks behind. */
  #joinEmpty(block: number): void {
    if (block === 0 || this.#counts[block] !== 0) return;
    if (this.#counts[block - 1] === UNKNOWN) return;
    this.#bounds.splice(block, 1);
    this.#counts.splice(block, 1);
  }

  /** Joins small neighbours, and makes blocks larger until half the allowed number is left. */
  #coarsen(): void {
    this.#joinNeighbours();
    while (this.#bounds.length > this.#maxBlocks / 2) {
      this.#blockKeys *= 2;
      this.#joinNeighbours();
    }
  }

  /** Joins known blocks that are together no larger than one, and unknown ones. */
  #joinNeighbours(): void {
    const bounds: string[] = [];
    const counts: number[] = [];
    for (let block = 0; block < this.#bounds.length; block++) {
      const count = this.#counts[block] ?? UNKNOWN;
      const before = counts[counts.length - 1];
      const bothUnknown = before === UNKNOWN && count === UNKNOWN;
      const bothKnown = before !== undefined && before !== UNKNOWN && count !== UNKNOWN;
      if (bothUnknown) continue;
      if (bothKnown && before + count <= this.#blockKeys) {
        counts[counts.length - 1] = before + count;
        continue;
      }
      bounds.push(this.#bounds[block] ?? '');
      counts.push(count);
    }
    this.#bounds = bounds;
    this.#counts = counts;
  }

  #scanCount(lo: string, hi: string | undefined): number {
    if (hi !== undefined && hi <= lo) return 0;
    const scan = this.#engine.scan('keys', {
      gte: keyBytesOf(lo),
      lt: hi === undefined ? undefined : keyBytesOf(hi),
      keysOnly: true,
    });
    let count = 0;
    for (let page = scan.next(512); page.length > 0; page = scan.next(512)) {
      count += page.length / 2;
    }
    scan.close();
    return count;
  }

  /** The first block that lies wholly above a range. */
  #endOf({ hi }: KeyRange): number {
    if (hi === undefined) return this.#bounds.length;
    const block = this.#blockOf(hi);
    return this.#bounds[block] === hi ? block : block + 1;
  }

  /** The block that holds `keyText`. */
  #blockOf(keyText: string): number {
    let low = 0;
    let high = this.#bounds.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[middle] ?? '') <= keyText) low = middle;
      else high = middle;
    }
    return low;
  }
}
