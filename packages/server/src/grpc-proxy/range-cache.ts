/** Answers kept at most, as etcd's proxy keeps. */
const MAX_ENTRIES = 2048;
/** Bytes of answers kept at most: some thousands of usual size. */
const MAX_BYTES = 64 * 1024 ** 2;
/** A larger answer is not kept: it would take the place of many. */
const MAX_ENTRY_BYTES = 1024 ** 2;
/** Writes that are remembered for the sake of ranges that began before them. */
const MAX_RECENT_WRITES = 1024;

/** Keys [key, end) as text of a character a byte; an end of '' is the key alone, '\0' everything after it. */
export interface Interval {
  readonly key: string;
  readonly end: string;
}

interface Entry extends Interval {
  readonly id: string;
  readonly answer: Uint8Array;
  readonly addedMs: number;
}

/** What a cache is made of. */
export interface RangeCacheOptions {
  /** Answers that are older are not used, in ms; 0: any are. */
  readonly maxAgeMs: number;
  readonly nowMs: () => number;
}

/** Whether two intervals have a key in common. */
export function overlap(a: Interval, b: Interval): boolean {
  return isBelow(a.key, b) && isBelow(b.key, a);
}

/** Whether something that begins at a key may begin before an interval ends. */
function isBelow(key: string, { key: start, end }: Interval): boolean {
  if (end === '') return key <= start;
  return end === '\0' || key < end;
}

/**
 * Answers to ranges of the latest revision, for serializable reads. A write through the proxy, or one that a watch of
 * it tells of, removes the answers it may have changed. Writes elsewhere are not noticed, nor is that somebody may read
 * less than before; so answers have an age. Bounded in count and bytes; what was used least recently goes.
 */
export class RangeCache {
  readonly #options: RangeCacheOptions;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  /** Ids of answers to single keys, by key. */
  readonly #singles = new Map<string, Set<string>>();
  /** Ids of the others. */
  readonly #ranges = new Set<string>();
  #bytes = 0;
  /** Of the last write. */
  #writes = 0;
  /** The last writes, the newest at the end. */
  readonly #recent: Interval[] = [];

  constructor(options: RangeCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The answer kept under an id. */
  get(id: string): Uint8Array | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { maxAgeMs, nowMs } = this.#options;
    if (maxAgeMs > 0 && nowMs() - entry.addedMs > maxAgeMs) {
      this.#remove(id);
      return undefined;
    }
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.answer;
  }

  /** To be asked before a range is sent, for `add`. */
  get writes(): number {
    return this.#writes;
  }

  /**
   * Keeps the answer to a range that was sent when there were `writesBefore`: unless one since may have changed it,
   * since nobody can tell which of the two the member has done first.
   */
  add(id: string, interval: Interval, answer: Uint8Array, writesBefore: number): void {
    if (answer.length > MAX_ENTRY_BYTES) return;
    const missed = this.#writes - writesBefore;
    if (missed > this.#recent.length) return;
    const since = missed === 0 ? [] : this.#recent.slice(-missed);
    if (since.some((write) => overlap(write, interval))) return;
    this.#remove(id);
    const addedMs = this.#options.nowMs();
    const { key, end } = interval;
    // A copy: what came in with it would be held, too.
    this.#entries.set(id, { id, key, end, answer: new Uint8Array(answer), addedMs });
    this.#bytes += answer.length;
    if (interval.end === '') {
      const ids = this.#singles.get(interval.key) ?? new Set();
      this.#singles.set(interval.key, ids.add(id));
    } else {
      this.#ranges.add(id);
    }
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES && this.#bytes <= MAX_BYTES) return;
      this.#remove(oldest);
    }
  }

  /** Forgets what a write may have changed. */
  invalidate(interval: Interval): void {
    this.#writes += 1;
    this.#recent.push(interval);
    if (this.#recent.length > 2 * MAX_RECENT_WRITES) this.#recent.splice(0, MAX_RECENT_WRITES);
    if (this.#entries.size === 0) return;
    if (interval.end === '') {
      for (const id of this.#singles.get(interval.key) ?? []) this.#remove(id);
    } else {
      for (const [key, ids] of this.#singles) {
        if (overlap({ key, end: '' }, interval)) for (const id of ids) this.#remove(id);
      }
    }
    for (const id of this.#ranges) {
      const entry = this.#entries.get(id);
      if (entry !== undefined && overlap(entry, interval)) this.#remove(id);
    }
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= entry.answer.length;
    this.#ranges.delete(id);
    const ids = this.#singles.get(entry.key);
    if (ids?.delete(id) === true && ids.size === 0) this.#singles.delete(entry.key);
  }
}
