import { compareBytes } from '../encoding.ts';
import type { KeyValue } from '../key-value.ts';

/** Entries of a chunk at most: what is moved when one is put in between. */
const largestChunk = 512;

/** Keys [start, end) in the order of bytes; `end` undefined: all from the start on. */
export interface Interval {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** Entries in the order of their keys, in chunks, so that one is found and put in without touching the others. */
export class SortedEntries implements Iterable<KeyValue> {
  /** None is empty. */
  #chunks: KeyValue[][] = [];
  #size = 0;

  /** From entries that are in order, with each key once. */
  static of(sorted: readonly KeyValue[]): SortedEntries {
    const entries = new SortedEntries();
    // Half full: some will be put in between.
    const step = largestChunk / 2;
    for (let at = 0; at < sorted.length; at += step) {
      entries.#chunks.push(sorted.slice(at, at + step));
    }
    entries.#size = sorted.length;
    return entries;
  }

  get size(): number {
    return this.#size;
  }

  get(key: Uint8Array): KeyValue | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    const entry = chunk?.[lowerBound(chunk, key)];
    return entry !== undefined && isKeyOf(entry, key) ? entry : undefined;
  }

  /** Puts one in, and gives the one that had its key. */
  set(entry: KeyValue): KeyValue | undefined {
    const { key } = entry;
    // After the last one of all it goes into the last chunk.
    const index = Math.min(this.#chunkOf(key), Math.max(0, this.#chunks.length - 1));
    const chunk = this.#chunks[index] ?? [];
    if (this.#chunks.length === 0) this.#chunks.push(chunk);
    const at = lowerBound(chunk, key);
    const there = chunk[at];
    if (there !== undefined && isKeyOf(there, key)) {
      chunk[at] = entry;
      return there;
    }
    chunk.splice(at, 0, entry);
    this.#size += 1;
    if (chunk.length > largestChunk) {
      this.#chunks.splice(index + 1, 0, chunk.splice(largestChunk / 2));
    }
    return undefined;
  }

  /** Takes one out, and gives it. */
  delete(key: Uint8Array): KeyValue | undefined {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk, key);
    const there = chunk[at];
    if (there === undefined || !isKeyOf(there, key)) return undefined;
    chunk.splice(at, 1);
    this.#size -= 1;
    if (chunk.length === 0) this.#chunks.splice(index, 1);
    return there;
  }

  *[Symbol.iterator](): Generator<KeyValue, void, undefined> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** Those of an interval, as they are now. */
  *ascending({ start, end }: Interval): Generator<KeyValue, void, undefined> {
    for (let index = this.#chunkOf(start); index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] ?? [];
      for (let at = lowerBound(chunk, start); at < chunk.length; at++) {
        const entry = chunk[at];
        if (entry === undefined || (end !== undefined && compareBytes(entry.key, end) >= 0)) return;
        yield entry;
      }
    }
  }

  /** The same, the last one first. */
  *descending({ start, end }: Interval): Generator<KeyValue, void, undefined> {
    const last = this.#chunks.length - 1;
    for (let index = end === undefined ? last : Math.min(last, this.#chunkOf(end)); index >= 0; ) {
      const chunk = this.#chunks[index] ?? [];
      for (
        let at = (end === undefined ? chunk.length : lowerBound(chunk, end)) - 1;
        at >= 0;
        at--
      ) {
        const entry = chunk[at];
        if (entry === undefined || compareBytes(entry.key, start) < 0) return;
        yield entry;
      }
      index -= 1;
    }
  }

  /** The first chunk whose last key is not before this one; one after the last when there is none. */
  #chunkOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const last = this.#chunks[middle]?.at(-1);
      if (last !== undefined && compareBytes(last.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where the first key is that is not before this one. */
function lowerBound(chunk: readonly KeyValue[], key: Uint8Array): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = chunk[middle];
    if (entry !== undefined && compareBytes(entry.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isKeyOf(entry: KeyValue, key: Uint8Array): boolean {
  return compareBytes(entry.key, key) === 0;
}
