import { EtcdError } from '@kvorum/api';
import { keyText } from '../apply/reader.ts';
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../codec/kv-requests.ts';

/** Highest known numbers of the enums RangeRequest.SortOrder and SortTarget. */
const MAX_SORT_ORDER = 2;
const MAX_SORT_TARGET = 4;

/** What can be refused without looking at the store; each function throws `EtcdError`. */
export function validateRange(request: RangeRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
  const { sortOrder, sortTarget } = request;
  if (
    sortOrder < 0 ||
    sortOrder > MAX_SORT_ORDER ||
    sortTarget < 0 ||
    sortTarget > MAX_SORT_TARGET
  ) {
    throw new EtcdError('invalidSortOption');
  }
}

export function validatePut(request: PutRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
  if (request.ignoreValue && request.value.length !== 0) throw new EtcdError('valueProvided');
  if (request.ignoreLease && request.lease !== 0n) throw new EtcdError('leaseProvided');
}

export function validateDeleteRange(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw new EtcdError('emptyKey');
}

/** Refuses transactions with too many or invalid operations, or with conflicting writes in one branch. */
export function validateTxn(request: TxnRequest, maxOps: number): void {
  validateTxnOps(request, maxOps);
  collectWrites(request.success);
  collectWrites(request.failure);
}

/** A nested transaction has the budget that its parent leaves: `maxOps` less the parent's longest list. */
function validateTxnOps(request: TxnRequest, maxOps: number): void {
  const longest = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (longest > maxOps) throw new EtcdError('tooManyOps');
  for (const compare of request.compare) {
    if (compare.key.length === 0) throw new EtcdError('emptyKey');
  }
  for (const op of request.success) validateOp(op, maxOps - longest);
  for (const op of request.failure) validateOp(op, maxOps - longest);
}

function validateOp(op: RequestOp, maxOps: number): void {
  switch (op?.kind) {
    case 'range':
      validateRange(op);
      break;
    case 'put':
      validatePut(op);
      break;
    case 'deleteRange':
      validateDeleteRange(op);
      break;
    case 'txn':
      validateTxnOps(op, maxOps);
      break;
    default:
      throw new EtcdError('keyNotFound');
  }
}

/** What one branch writes: keys put (as latin1 text) and ranges deleted, half-open. */
interface Writes {
  readonly puts: Set<string>;
  readonly deletes: { readonly start: string; readonly end: string }[];
}

/**
 * Collects the writes of a branch and refuses a key that is put twice, or put and deleted. The branches of one nested
 * transaction exclude each other, so both may put the same key.
 *
 * As in etcd, a delete from a key on (range end `"\0"`) covers nothing here: the end sorts before the start.
 */
function collectWrites(ops: readonly RequestOp[]): Writes {
  const puts = new Set<string>();
  const deletes: Writes['deletes'] = [];
  for (const op of ops) {
    if (op?.kind === 'deleteRange') deletes.push(deletedRange(op));
  }
  for (const op of ops) {
    if (op?.kind !== 'txn') continue;
    const whenTrue = collectWrites(op.success);
    const whenFalse = collectWrites(op.failure);
    for (const key of whenTrue.puts) addPut(puts, deletes, key);
    for (const key of whenFalse.puts) {
      if (!whenTrue.puts.has(key)) addPut(puts, deletes, key);
      else if (isDeleted(deletes, key)) throw new EtcdError('duplicateKey');
    }
    deletes.push(...whenTrue.deletes, ...whenFalse.deletes);
  }
  for (const op of ops) {
    if (op?.kind === 'put') addPut(puts, deletes, keyText(op.key));
  }
  return { puts, deletes };
}

function addPut(puts: Set<string>, deletes: Writes['deletes'], key: string): void {
  if (puts.has(key) || isDeleted(deletes, key)) throw new EtcdError('duplicateKey');
  puts.add(key);
}

function isDeleted(deletes: Writes['deletes'], key: string): boolean {
  return deletes.some(({ start, end }) => key >= start && key < end);
}

function deletedRange(op: DeleteRangeRequest): { start: string; end: string } {
  const start = keyText(op.key);
  return { start, end: op.rangeEnd.length === 0 ? `${start}\0` : keyText(op.rangeEnd) };
}
