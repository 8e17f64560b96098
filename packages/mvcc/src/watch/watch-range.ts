import { keyTextOf } from '../key-text.ts';

/**
 * Greater than every latin1 text, so that a range without end needs no case of its own:
 * texts of keys have no character above U+00FF.
 */
const AFTER_EVERY_KEY = '\u0100';

/** The least key there is: the empty key stands for it in a watch. */
const FIRST_KEY = '\0';

/** The keys that a watcher asks for, as latin1 texts whose order is the order of the bytes. */
export interface WatchRange {
  readonly low: string;
  /** First key behind the range; undefined when it is the one key `low`. */
  readonly high: string | undefined;
}

/**
 * Reads key and range_end as etcd means them: no range_end is the one key, a single zero byte is every
 * key from `key` on, anything else is [key, rangeEnd). Returns undefined when that holds no key.
 */
export function watchRange(key: Uint8Array, rangeEnd: Uint8Array): WatchRange | undefined {
  const low = key.length === 0 ? FIRST_KEY : keyTextOf(key);
  if (rangeEnd.length === 0) return { low, high: undefined };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { low, high: AFTER_EVERY_KEY };
  const high = keyTextOf(rangeEnd);
  return low < high ? { low, high } : undefined;
}
