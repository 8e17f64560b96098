import { decodeKeyValue, type KeyMeta } from '@kvorum/mvcc';
import {
  COMPARE_EQUAL,
  COMPARE_GREATER,
  COMPARE_LESS,
  COMPARE_NOT_EQUAL,
  type Compare,
  RangeRequest,
  type RequestOp,
  TARGET_CREATE,
  TARGET_LEASE,
  TARGET_MOD,
  TARGET_VALUE,
  TARGET_VERSION,
  type TxnRequest,
} from '../codec/kv-requests.ts';
import { type KvReader, keyText, rangeQueryOf } from './reader.ts';

/** Which branch a transaction and those nested in the branch take, decided before anything is written. */
export interface TxnPath {
  readonly succeeded: boolean;
  /** One entry per operation of the branch: the path of a nested transaction, else undefined. */
  readonly nested: readonly (TxnPath | undefined)[];
}

/** Evaluates all compares, those of nested transactions too, against the state before the transaction. */
export function choosePath(reader: KvReader, request: TxnRequest): TxnPath {
  const succeeded = request.compare.every((compare) => holds(reader, compare));
  const nested = branchOf(request, succeeded).map((op) =>
    op?.kind === 'txn' ? choosePath(reader, op) : undefined,
  );
  return { succeeded, nested };
}

export function branchOf(request: TxnRequest, succeeded: boolean): readonly RequestOp[] {
  return succeeded ? request.success : request.failure;
}

/** The stored side of a comparison. A key that doesn't exist compares as all zeros. */
interface Stored {
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: bigint;
}

const MISSING: Stored = { version: 0, createRevision: 0, modRevision: 0, lease: 0n };

/** A value never equals that of a missing key, not even the empty one. */
function holds(reader: KvReader, compare: Compare): boolean {
  if (compare.rangeEnd.length !== 0) return holdsForRange(reader, compare);
  const meta = reader.get(keyText(compare.key));
  if (compare.target !== TARGET_VALUE)
    return matches(compare, difference(compare, meta ?? MISSING));
  return (
    meta !== undefined && matches(compare, valueDifference(compare, storedValue(reader, meta)))
  );
}

/** Every key of the range must match; an empty range compares like a missing key. */
function holdsForRange(reader: KvReader, compare: Compare): boolean {
  const query = new RangeRequest();
  query.key = compare.key;
  query.rangeEnd = compare.rangeEnd;
  query.keysOnly = compare.target !== TARGET_VALUE && compare.target !== TARGET_LEASE;
  const { kvs } = reader.range(rangeQueryOf(query));
  if (kvs.length === 0) {
    return compare.target !== TARGET_VALUE && matches(compare, difference(compare, MISSING));
  }
  return kvs.every((wire) => {
    const kv = decodeKeyValue(wire);
    const order =
      compare.target === TARGET_VALUE
        ? valueDifference(compare, kv.value)
        : difference(compare, kv);
    return matches(compare, order);
  });
}

function storedValue(reader: KvReader, meta: KeyMeta): Uint8Array {
  return decodeKeyValue(reader.wireOf(meta)).value;
}

function valueDifference(compare: Compare, stored: Uint8Array): number {
  return Buffer.compare(stored, compare.value);
}

/** Negative, zero or positive as the stored number is less than, equal to or greater than the given one. */
function difference(compare: Compare, stored: Stored): number {
  switch (compare.target) {
    case TARGET_VERSION:
      return stored.version - compare.version;
    case TARGET_CREATE:
      return stored.createRevision - compare.createRevision;
    case TARGET_MOD:
      return stored.modRevision - compare.modRevision;
    case TARGET_LEASE:
      return stored.lease < compare.lease ? -1 : stored.lease > compare.lease ? 1 : 0;
    default:
      return 0;
  }
}

/** An unknown result is true, as in etcd. */
function matches(compare: Compare, order: number): boolean {
  switch (compare.result) {
    case COMPARE_EQUAL:
      return order === 0;
    case COMPARE_NOT_EQUAL:
      return order !== 0;
    case COMPARE_GREATER:
      return order > 0;
    case COMPARE_LESS:
      return order < 0;
    default:
      return true;
  }
}
