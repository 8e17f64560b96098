import { EtcdError, grpcStatus } from '@kvorum/api';
import { shownPath } from './key-path.ts';

/**
 * Files of the v2 API are keys of the store under this prefix, so that the v3 API reads and watches them: the value of
 * `/v2/keys/a/b` is that of `_kvorum/v2/keys/a/b`. Only the v2 API writes them.
 */
export const V2_KEY_PREFIX = '_kvorum/v2/keys';

const FIRST = V2_KEY_PREFIX.charCodeAt(0);
const START = Buffer.from(`${V2_KEY_PREFIX}/`);
/** The first key behind all of them: that of a slash's successor. */
const END = Buffer.from(`${V2_KEY_PREFIX}0`);

/** The store's key of a file, as a text of bytes. */
export function storeKeyOf(path: string): string {
  return V2_KEY_PREFIX + shownPath(path);
}

/** The keys of all files below a directory: [start, end). */
export function storeKeysBelow(directory: string): { start: Buffer; end: Buffer } {
  const key = storeKeyOf(directory);
  return { start: Buffer.from(`${key}/`, 'latin1'), end: Buffer.from(`${key}0`, 'latin1') };
}

/** Refuses a v3 put of a key that is the v2 API's: it would have no v2 index. Throws `EtcdError`. */
export function refuseReserved(key: Uint8Array): void {
  if (key[0] === FIRST && isReserved(key)) throw refusal();
}

/**
 * What a v3 deletion of a range may delete: the range, without the v2 API's keys. As in etcd, where they are in another
 * store, "everything" doesn't mean them. Throws `EtcdError` for a range that lies among them.
 */
export function rangesOfDeletion(
  key: Uint8Array,
  rangeEnd: Uint8Array,
): readonly (readonly [Uint8Array, Uint8Array])[] {
  if (rangeEnd.length === 0) {
    refuseReserved(key);
    return [[key, rangeEnd]];
  }
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const isBefore = !isOpen && Buffer.compare(rangeEnd, START) <= 0;
  if (isBefore || Buffer.compare(key, END) >= 0) return [[key, rangeEnd]];
  const startsBefore = Buffer.compare(key, START) < 0;
  const endsBehind = isOpen || Buffer.compare(rangeEnd, END) > 0;
  if (!startsBefore && !endsBehind) throw refusal();
  const ranges: [Uint8Array, Uint8Array][] = [];
  if (startsBefore) ranges.push([key, START]);
  if (endsBehind) ranges.push([END, rangeEnd]);
  return ranges;
}

function isReserved(key: Uint8Array): boolean {
  return Buffer.compare(key, START) >= 0 && Buffer.compare(key, END) < 0;
}

function refusal(): EtcdError {
  const text = `kvorum: keys under ${V2_KEY_PREFIX}/ are written by the v2 API alone: use /v2/keys`;
  return new EtcdError('unmapped', grpcStatus.invalidArgument, text);
}
