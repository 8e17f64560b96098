/** Keys from `begin` on up to but without `end`; undefined is the end of all keys. */
interface KeyRange {
  readonly begin: Uint8Array;
  end: Uint8Array | undefined;
}

/** A permission's keys as they are stored: see `KeyRanges.of`. */
export interface GivenRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/**
 * The keys that a user may read, or write: ranges that neither meet nor touch, in order.
 *
 * What was given as [a, c) and [c, f) allows a request for [b, e): only the union counts.
 */
export class KeyRanges {
  readonly #ranges: readonly KeyRange[];

  private constructor(ranges: readonly KeyRange[]) {
    this.#ranges = ranges;
  }

  /** The union of ranges in the form of requests: no end is the one key, and `"\0"` everything from the key on. */
  static of(given: readonly GivenRange[]): KeyRanges {
    const sorted = given
      .map(({ key, rangeEnd }): KeyRange => ({ begin: key, end: endOf(key, rangeEnd) }))
      .filter(({ begin, end }) => end === undefined || Buffer.compare(begin, end) < 0)
      .sort((one, other) => Buffer.compare(one.begin, other.begin));
    const merged: KeyRange[] = [];
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last === undefined || isBehind(last, range.begin)) merged.push(range);
      else if (last.end !== undefined && isLater(range.end, last.end)) last.end = range.end;
    }
    return new KeyRanges(merged);
  }

  /** Whether all keys of a request are among these. One for an empty range needs its first key, as in etcd. */
  cover(key: Uint8Array, rangeEnd: Uint8Array): boolean {
    const range = this.#lastFrom(key);
    if (range === undefined) return false;
    if (range.end === undefined) return true;
    if (Buffer.compare(key, range.end) >= 0) return false;
    if (rangeEnd.length === 0) return true;
    return !isFromKey(rangeEnd) && Buffer.compare(rangeEnd, range.end) <= 0;
  }

  /** The last range that begins at or before a key. */
  #lastFrom(key: Uint8Array): KeyRange | undefined {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { begin } = this.#ranges[middle] as KeyRange;
      if (Buffer.compare(begin, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#ranges[low - 1];
  }
}

/** Whether a range end stands for all keys from the first one on. */
export function isFromKey(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

function endOf(key: Uint8Array, rangeEnd: Uint8Array): Uint8Array | undefined {
  if (isFromKey(rangeEnd)) return undefined;
  return rangeEnd.length === 0 ? Buffer.concat([key, new Uint8Array(1)]) : rangeEnd;
}

/** A gap lies between the range and a key behind it. */
function isBehind({ end }: KeyRange, key: Uint8Array): boolean {
  return end !== undefined && Buffer.compare(end, key) < 0;
}

function isLater(end: Uint8Array | undefined, than: Uint8Array): boolean {
  return end === undefined || Buffer.compare(end, than) > 0;
}
