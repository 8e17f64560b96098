import type { Scan } from './engine.ts';
import { invariant } from './invariant.ts';
import type { KeyRange } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import { compareKey, type PackedBlock } from './packed-block.ts';
import type { PackedKvs } from './range-query.ts';
import {
  hasInlineValue,
  KEYS_TRAILER_SIZE,
  keyTextOfKeysRow,
  metaOfKeysRow,
} from './revision-row.ts';
import type { StoreState } from './store-state.ts';
import { EntryReader } from './version-cursor.ts';

/** A block ends when it has so many bytes, however few keys. */
const BLOCK_BYTES = 64 * 1024;
/** So does one with values that are read from `revs`, which is not kept. */
const LARGE_BLOCK_BYTES = 1024 * 1024;
/** Rows of the first page of a gap, which may be a block that one write has undone. */
const FIRST_PAGE_ROWS = 64;
const NO_BYTES = new Uint8Array(0);

/** A part of a block. */
export class PackedPart implements PackedKvs {
  readonly bytes: Uint8Array;
  readonly start: number;
  end: number;
  keys: number;
  /** Where the last element begins. */
  readonly #lastStart: number;

  /** The elements [from, to) of a block. */
  constructor({ bytes, offsets }: PackedBlock, from: number, to: number) {
    this.bytes = bytes;
    this.start = offsets[from] ?? 0;
    this.end = offsets[to] ?? 0;
    this.keys = to - from;
    this.#lastStart = offsets[to - 1] ?? 0;
  }

  /** Leaves the last element out; once only, and there must be one. */
  dropLast(): void {
    this.end = this.#lastStart;
    this.keys--;
  }
}

/** How blocks are made. */
export interface BlockLimits {
  /** Most keys of a block. */
  readonly keys: number;
  /** A range has to have so many keys for its blocks to be kept: small ranges would only cut the cache to pieces. */
  readonly minRangeKeys: number;
}

/** A row whose KeyValue is only in `revs`, at (main, sub), and its place in a page. */
export interface LargeRow {
  readonly index: number;
  readonly main: number;
  readonly sub: number;
}

/** Puts the whole KeyValues of large rows into their places. */
export type FillLargeRows = (page: (Uint8Array | undefined)[], large: readonly LargeRow[]) => void;

/** Rows of `keys` in order, each with the bytes of its KeyValue. */
class Page {
  /** Each begins with its KeyValue. */
  readonly rows: Uint8Array[] = [];
  readonly sizes: number[] = [];
  readonly large: LargeRow[] = [];
  bytes = 0;

  add(row: Uint8Array): void {
    let size = row.length - KEYS_TRAILER_SIZE;
    if (!hasInlineValue(row)) {
      const { modRevision: main, sub, wireSize } = metaOfKeysRow('', row);
      this.large.push({ index: this.rows.length, main, sub });
      size = wireSize;
    }
    this.rows.push(row);
    this.sizes.push(size);
    this.bytes += size;
  }

  get isFull(): boolean {
    return this.bytes >= (this.large.length === 0 ? BLOCK_BYTES : LARGE_BLOCK_BYTES);
  }
}

/**
 * The latest versions of the keys of a range at the moment it is made, in parts: those that the cache has, and between
 * them what the engine has, which goes into the cache.
 */
export class PackedSource {
  readonly #state: StoreState;
  readonly #range: KeyRange;
  readonly #fill: FillLargeRows;
  /** The revision that is read. */
  readonly #revision: number;
  /** Those of the cache, in key order; what is between them is read from the engine. */
  readonly #cached: readonly PackedBlock[];
  #nextCached = 0;
  /** All keys below it have been read. */
  #position: string;
  #rows: EntryReader | undefined;
  /** Where `#rows` goes on. */
  #rowsAt: string;
  #readKeys = 0;
  #ended = false;

  constructor(state: StoreState, range: KeyRange, fill: FillLargeRows) {
    this.#state = state;
    this.#range = range;
    this.#fill = fill;
    this.#revision = state.revision;
    this.#cached = state.blocks.inRange(range);
    this.#position = range.lo;
    this.#rowsAt = range.lo;
  }

  /** Whether all keys of the range have been read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Holds on to the moment: commits may come from now on. */
  pin(): void {
    if (!this.#ended) this.#openRows();
  }

  /** The next part, with `maxKeys` (>= 1) at most; not to be called after the end. */
  next(maxKeys: number): PackedPart {
    invariant(!this.#ended, 'the range has more');
    const block = this.#cached[this.#nextCached];
    const part =
      block !== undefined && block.lo <= this.#position
        ? this.#fromBlock(block, maxKeys)
        : this.#fromEngine(block?.lo, maxKeys);
    this.#readKeys += part.keys;
    return part;
  }

  close(): void {
    this.#rows?.close();
  }

  #fromBlock(block: PackedBlock, maxKeys: number): PackedPart {
    const { hi } = this.#range;
    const from = block.lo === this.#position ? 0 : block.find(keyBytesOf(this.#position));
    const isLast = hi !== undefined && (block.hi === undefined || hi < block.hi);
    const to = isLast ? block.find(keyBytesOf(hi)) : block.keys;
    const end = Math.min(to, from + maxKeys);
    if (end < to) {
      this.#position = keyTextOf(block.keyAt(end));
    } else {
      this.#nextCached++;
      this.#moveTo(isLast ? hi : block.hi);
    }
    return new PackedPart(block, from, end);
  }

  /** Reads keys up to a block of the cache, or to the end of the range, as one block. */
  #fromEngine(nextCached: string | undefined, maxKeys: number): PackedPart {
    const { packer } = this.#state;
    const lo = this.#position;
    const page = this.#readPage(nextCached, Math.min(maxKeys, this.#state.blockLimits.keys));
    const { rows, sizes, large } = page;
    if (large.length > 0) this.#fill(rows, large);
    for (let at = 0; at < rows.length; at++) packer.add(rows[at] ?? NO_BYTES, sizes[at] ?? 0);
    const block = packer.take(lo, this.#ended ? this.#range.hi : this.#position);
    if (large.length === 0) this.#keep(block);
    return new PackedPart(block, 0, block.keys);
  }

  /** Reads rows from `#position` on, and moves behind them. */
  #readPage(nextCached: string | undefined, maxRows: number): Page {
    const entries = this.#openRows();
    const limit = nextCached === undefined ? undefined : keyBytesOf(nextCached);
    const page = new Page();
    while (entries.next() && (limit === undefined || compareKey(entries.value, 0, limit) < 0)) {
      page.add(entries.value);
      if (page.rows.length < maxRows && !page.isFull) continue;
      this.#rowsAt = `${keyTextOfKeysRow(entries.value)}\0`;
      this.#moveTo(this.#rowsAt);
      return page;
    }
    this.#moveTo(nextCached ?? this.#range.hi);
    return page;
  }

  /** What is read of a moment that has passed is no longer true. */
  #keep(block: PackedBlock): void {
    const { blocks, revision } = this.#state;
    if (revision !== this.#revision) return;
    if (this.#readKeys + block.keys >= this.#state.blockLimits.minRangeKeys) blocks.add(block);
  }

  /** All keys below `position` have been read; undefined: all there are. */
  #moveTo(position: string | undefined): void {
    this.#ended = position === undefined || position === this.#range.hi;
    if (position !== undefined) this.#position = position;
  }

  /** The engine's rows from `#position` on, as they were at the moment. */
  #openRows(): EntryReader {
    if (this.#rows === undefined) {
      const { hi } = this.#range;
      const scan: Scan = this.#state.engine.scan('keys', {
        gte: keyBytesOf(this.#position),
        lt: hi === undefined ? undefined : keyBytesOf(hi),
        valuesOnly: true,
      });
      this.#rows = new EntryReader(scan, FIRST_PAGE_ROWS);
    } else if (this.#rowsAt !== this.#position) {
      this.#rows.seek(keyBytesOf(this.#position), FIRST_PAGE_ROWS);
    }
    this.#rowsAt = this.#position;
    return this.#rows;
  }
}
