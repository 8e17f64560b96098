import type { Engine } from './engine.ts';
import { invariant } from './invariant.ts';
import type { KeyRange } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';

/** Keys of a block when it is learned. Smaller: cheaper edges of ranges, more blocks to hold. */
const BLOCK_KEYS = 256;
/** A block that grew past this is forgotten, to be learned again as several. */
const LARGEST_BLOCK_KEYS = 4 * BLOCK_KEYS;
/** Blocks in memory, about 150 bytes each with their bound; beyond it blocks are learned larger. */
const MAX_BLOCKS = 65_536;
const UNKNOWN = -1;

/**
 * How many live keys a range has, without reading them all each time: every limited range answer needs
 * the number, and paging through a large range would otherwise read it to its end once a page.
 *
 * The keyspace is cut into blocks at `#bounds`; block i covers [bounds[i], bounds[i + 1]). A block's count
 * is learned by scanning it when it is first asked for, and from then on kept by adding what each commit
 * creates and deletes. Nothing is stored: after a restart the first questions scan again.
 */
export class CountIndex {
  readonly #engine: Engine;
  #bounds: string[] = [''];
  #counts: number[] = [UNKNOWN];
  #blockKeys = BLOCK_KEYS;

  constructor(engine: Engine) {
    this.#engine = engine;
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
    const full = count + delta > LARGEST_BLOCK_KEYS * (this.#blockKeys / BLOCK_KEYS);
    this.#counts[block] = full ? UNKNOWN : count + delta;
  }

  /** Forgets everything, as after the engine's content was replaced. */
  reset(): void {
    this.#bounds = [''];
    this.#counts = [UNKNOWN];
    this.#blockKeys = BLOCK_KEYS;
  }

  /**
   * Scans one block of `range` whose count is not known; false when there is none left. Each call is a
   * bounded piece of work, so that large ranges can be learned in slices while commits go on.
   */
  learnNext(range: KeyRange): boolean {
    const first = this.#blockOf(range.lo);
    for (let block = first; block < this.#bounds.length; block++) {
      if (range.hi !== undefined && (this.#bounds[block] ?? '') >= range.hi) return false;
      if (this.#counts[block] === UNKNOWN) {
        this.#learn(block);
        return true;
      }
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

  /** Live keys of `range` if all its blocks are known; only the two at its edges are scanned. */
  countKnown(range: KeyRange): number | undefined {
    const { lo, hi } = range;
    const first = this.#blockOf(lo);
    const last = hi === undefined ? this.#bounds.length - 1 : this.#blockBelow(hi);
    let sum = 0;
    for (let block = first; block <= last; block++) {
      const count = this.#counts[block] ?? UNKNOWN;
      if (count === UNKNOWN) return undefined;
      sum += count;
    }
    if (first === last) return this.#countWithin(first, lo, hi);
    const below = this.#bounds[first] === lo ? 0 : this.#scanCount(this.#bounds[first] ?? '', lo);
    const end = this.#bounds[last + 1];
    const above = hi === undefined || hi === end ? 0 : this.#scanCount(hi, end);
    return sum - below - above;
  }

  #countWithin(block: number, lo: string, hi: string | undefined): number {
    const whole = this.#bounds[block] === lo && this.#bounds[block + 1] === hi;
    if (whole) return this.#counts[block] ?? 0;
    return this.#scanCount(lo, hi);
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
    if (this.#bounds.length > MAX_BLOCKS) this.#coarsen();
  }

  /** A block found empty is merged into the one before it, so deleted ranges leave no blocks behind. */
  #joinEmpty(block: number): void {
    if (block === 0 || this.#counts[block] !== 0) return;
    if (this.#counts[block - 1] === UNKNOWN) return;
    this.#bounds.splice(block, 1);
    this.#counts.splice(block, 1);
  }

  /** Doubles the size of blocks by joining neighbours two by two. */
  #coarsen(): void {
    const bounds: string[] = [];
    const counts: number[] = [];
    for (let block = 0; block < this.#bounds.length; block += 2) {
      const left = this.#counts[block] ?? UNKNOWN;
      const right = this.#counts[block + 1] ?? 0;
      bounds.push(this.#bounds[block] ?? '');
      counts.push(left === UNKNOWN || right === UNKNOWN ? UNKNOWN : left + right);
    }
    this.#bounds = bounds;
    this.#counts = counts;
    this.#blockKeys *= 2;
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

  /** The last block that has keys below `hi`. */
  #blockBelow(hi: string): number {
    const block = this.#blockOf(hi);
    return block > 0 && this.#bounds[block] === hi ? block - 1 : block;
  }
}
