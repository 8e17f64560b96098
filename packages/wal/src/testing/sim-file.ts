import { SECTOR_SIZE } from '../record.ts';
import type { Prng } from './prng.ts';

/** A change that no sync has covered: a write, or (with `data` null) a new size. */
interface Change {
  /** Position of the write, or the new size. */
  readonly at: number;
  readonly data: Uint8Array | null;
  /** Size of the file before and after. */
  readonly sizeBefore: number;
  readonly sizeAfter: number;
}

/** The content of a simulated file: what a reader sees, what a crash cannot take, and the changes between. */
export class SimFile {
  #bytes: Uint8Array;
  #size: number;
  /** Content at the last sync. */
  #durable: Uint8Array;
  #changes: Change[] = [];
  /** Changes ever made, and those that a sync has covered. */
  #made = 0;

  constructor(content: Uint8Array) {
    this.#bytes = content.slice();
    this.#size = content.length;
    this.#durable = content.slice();
  }

  get size(): number {
    return this.#size;
  }

  /** What a reader sees now, as a copy. */
  content(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  /** A point in the file's history, for `syncTo`. */
  get now(): number {
    return this.#made;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.#size, position + into.length);
    if (end <= position) return 0;
    into.set(this.#bytes.subarray(position, end));
    return end - position;
  }

  write(data: Uint8Array, position: number): void {
    const end = position + data.length;
    const sizeBefore = this.#size;
    this.#reserve(end);
    this.#bytes.set(data, position);
    this.#size = Math.max(this.#size, end);
    this.#note({ at: position, data: data.slice(), sizeBefore, sizeAfter: this.#size });
  }

  truncate(size: number): void {
    const sizeBefore = this.#size;
    this.#reserve(size);
    if (size < sizeBefore) this.#bytes.fill(0, size, sizeBefore);
    this.#size = size;
    this.#note({ at: size, data: null, sizeBefore, sizeAfter: size });
  }

  /** Makes the changes before that point durable. */
  syncTo(point: number): void {
    const first = this.#made - this.#changes.length;
    const count = point - first;
    if (count <= 0) return;
    this.#durable = this.#replay(this.#changes.splice(0, count), null, 1);
  }

  /**
   * What Linux does when write-back fails: some of the changes reach the disk, the others never will, and the
   * file counts as clean. Readers still see everything until the crash.
   */
  failSync(prng: Prng): void {
    this.#durable = this.crashed(prng, 0.5);
    this.#changes = [];
  }

  /** The content that a crash leaves: each sector touched since the last sync is old, new or in between. */
  crashed(prng: Prng, unsyncedKept: number): Uint8Array {
    return this.#replay(this.#changes, prng, unsyncedKept);
  }

  #note(change: Change): void {
    this.#changes.push(change);
    this.#made++;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** Durable content plus changes; with a generator, each sector stops at a change of its own. */
  #replay(changes: readonly Change[], prng: Prng | null, kept: number): Uint8Array {
    const limits = prng === null ? null : drawLimits(changes, prng, kept);
    const sizes = [this.#durable.length, ...changes.map((change) => change.sizeAfter)];
    const keepsSize = prng === null || prng.chance(kept);
    const size = sizes[keepsSize ? sizes.length - 1 : prng.below(sizes.length)] as number;
    const bytes = new Uint8Array(Math.max(...sizes));
    bytes.set(this.#durable);
    for (const [i, change] of changes.entries()) {
      const [start, end] = extentOf(change);
      for (let from = start; from < end; ) {
        const sector = Math.floor(from / SECTOR_SIZE);
        const to = Math.min(end, (sector + 1) * SECTOR_SIZE);
        if (limits === null || i < (limits.get(sector) ?? 0)) {
          if (change.data === null) bytes.fill(0, from, to);
          else bytes.set(change.data.subarray(from - start, to - start), from);
        }
        from = to;
      }
    }
    return bytes.slice(0, size);
  }
}

/** Bytes that a change touches: [start, end). */
function extentOf(change: Change): [number, number] {
  if (change.data !== null) return [change.at, change.at + change.data.length];
  return [change.at, Math.max(change.at, change.sizeBefore)];
}

/** For each sector touched, how many of the changes (of the whole list) it has seen. */
function drawLimits(changes: readonly Change[], prng: Prng, kept: number): Map<number, number> {
  const touches = new Map<number, number[]>();
  for (const [i, change] of changes.entries()) {
    const [start, end] = extentOf(change);
    for (let at = start - (start % SECTOR_SIZE); at < end; at += SECTOR_SIZE) {
      const sector = at / SECTOR_SIZE;
      const list = touches.get(sector);
      if (list === undefined) touches.set(sector, [i]);
      else list.push(i);
    }
  }
  const limits = new Map<number, number>();
  for (const [sector, list] of touches) {
    const seen = prng.chance(kept) ? list.length : prng.below(list.length);
    limits.set(sector, seen === 0 ? 0 : (list[seen - 1] as number) + 1);
  }
  return limits;
}
