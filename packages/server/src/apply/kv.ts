import { EtcdError } from '@kvorum/api';
import { decodeKeyValue, type KeyMeta, type RangeResult } from '@kvorum/mvcc';
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../codec/kv-requests.ts';
import type { DeleteRangeResult, OpResult, PutResult, TxnResult } from '../codec/kv-responses.ts';
import { rangesOfDeletion, refuseReserved } from '../v2/reserved-keys.ts';
import { branchOf, choosePath, type TxnPath } from './compare.ts';
import { type KvReader, keyText, rangeQueryOf, type TxnReader, toEtcdError } from './reader.ts';

/** Whether a lease exists, at the point of the log that is being applied. */
export interface LeaseLookup {
  has(id: bigint): boolean;
}

/** Applies a put on its own. Throws `EtcdError` leaseNotFound, keyNotFound or that of a reserved key before it writes. */
export function applyPut(view: TxnReader, leases: LeaseLookup, request: PutRequest): PutResult {
  checkPut(view, leases, request);
  return writePut(view, request);
}

export function applyDeleteRange(view: TxnReader, request: DeleteRangeRequest): DeleteRangeResult {
  const ranges = rangesOfDeletion(request.key, request.rangeEnd);
  const deleted = ranges.flatMap(([key, rangeEnd]) => view.txn.deleteRange(key, rangeEnd));
  const prevKvs = request.prevKv ? deleted.map((meta) => view.wireOf(meta)) : [];
  return { kind: 'deleteRange', revision: view.revision, deleted: deleted.length, prevKvs };
}

/**
 * Applies a transaction. All compares and checks are made first, so a refused transaction has written nothing.
 * Throws `EtcdError` leaseNotFound, keyNotFound, futureRev or compacted.
 */
export function applyTxn(view: TxnReader, leases: LeaseLookup, request: TxnRequest): TxnResult {
  const path = choosePath(view, request);
  checkPuts(view, leases, request, path);
  checkRanges(view, request, path);
  return runBranch(view, request, path, (op) => {
    switch (op.kind) {
      case 'put':
        return writePut(view, op);
      case 'deleteRange':
        return applyDeleteRange(view, op);
      case 'range':
        return { kind: 'range', revision: view.revision, range: readRange(view, op) };
    }
  });
}

/** Runs a transaction that holds nothing but ranges; it doesn't go through the log. */
export function runReadOnlyTxn(reader: KvReader, request: TxnRequest): TxnResult {
  const path = choosePath(reader, request);
  checkRanges(reader, request, path);
  return runBranch(reader, request, path, (op) => {
    if (op.kind !== 'range') throw new EtcdError('keyNotFound');
    return { kind: 'range', revision: reader.revision, range: readRange(reader, op) };
  });
}

/** Neither branch writes: every operation of both is a range. A nested transaction makes it a write. */
export function isReadOnly(request: TxnRequest): boolean {
  const ranges = (op: RequestOp): boolean => op?.kind === 'range';
  return request.success.every(ranges) && request.failure.every(ranges);
}

/** A read-only transaction may skip the quorum when each of its ranges may. */
export function isSerializable(request: TxnRequest): boolean {
  const serializable = (op: RequestOp): boolean => op?.kind === 'range' && op.serializable;
  return request.success.every(serializable) && request.failure.every(serializable);
}

/** Reads a range, with the store's refusals turned into etcd's errors. */
export function readRange(reader: KvReader, request: RangeRequest): RangeResult {
  try {
    return reader.range(rangeQueryOf(request));
  } catch (error) {
    throw toEtcdError(error);
  }
}

type LeafOp = RangeRequest | PutRequest | DeleteRangeRequest;

function runBranch(
  reader: KvReader,
  request: TxnRequest,
  path: TxnPath,
  run: (op: LeafOp) => OpResult,
): TxnResult {
  const responses = branchOf(request, path.succeeded).map((op, index): OpResult => {
    if (op === undefined) throw new EtcdError('keyNotFound');
    if (op.kind !== 'txn') return run(op);
    const nested = path.nested[index];
    if (nested === undefined) throw new EtcdError('keyNotFound');
    return runBranch(reader, op, nested, run);
  });
  return { kind: 'txn', revision: reader.revision, succeeded: path.succeeded, responses };
}

function checkPut(reader: KvReader, leases: LeaseLookup, request: PutRequest): void {
  refuseReserved(request.key);
  if (request.lease !== 0n && !leases.has(request.lease)) throw new EtcdError('leaseNotFound');
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (reader.get(keyText(request.key)) === undefined) throw new EtcdError('keyNotFound');
}

function checkPuts(
  reader: KvReader,
  leases: LeaseLookup,
  request: TxnRequest,
  path: TxnPath,
): void {
  branchOf(request, path.succeeded).forEach((op, index) => {
    const nested = path.nested[index];
    if (op?.kind === 'txn' && nested !== undefined) checkPuts(reader, leases, op, nested);
    else if (op?.kind === 'put') checkTxnPut(reader, leases, op);
  });
}

/** Inside a transaction a missing key is noticed before a missing lease; on its own it's the other way round. */
function checkTxnPut(reader: KvReader, leases: LeaseLookup, request: PutRequest): void {
  refuseReserved(request.key);
  const needsKey = request.ignoreValue || request.ignoreLease;
  if (needsKey && reader.get(keyText(request.key)) === undefined)
    throw new EtcdError('keyNotFound');
  if (request.lease !== 0n && !leases.has(request.lease)) throw new EtcdError('leaseNotFound');
}

function checkRanges(reader: KvReader, request: TxnRequest, path: TxnPath): void {
  branchOf(request, path.succeeded).forEach((op, index) => {
    const nested = path.nested[index];
    if (op?.kind === 'txn' && nested !== undefined) checkRanges(reader, op, nested);
    if (op?.kind === 'deleteRange') rangesOfDeletion(op.key, op.rangeEnd);
    if (op?.kind !== 'range' || op.revision === 0) return;
    if (op.revision > reader.revision) throw new EtcdError('futureRev');
    if (op.revision < reader.compactRevision) throw new EtcdError('compacted');
  });
}

/** Writes a put whose checks have passed. */
function writePut(view: TxnReader, request: PutRequest): PutResult {
  let { value, lease } = request;
  if (request.ignoreValue || request.ignoreLease) {
    const current = view.get(keyText(request.key));
    if (current === undefined) throw new EtcdError('keyNotFound');
    if (request.ignoreValue) value = decodeKeyValue(view.wireOf(current)).value;
    if (request.ignoreLease) lease = current.lease;
  }
  const replaced = request.prevKv ? wireBefore(view, keyText(request.key)) : undefined;
  view.txn.put(request.key, value, lease);
  return { kind: 'put', revision: view.revision, prev: replaced };
}

/** The pair as it was; read before it's replaced, since a large value then lies only under its old revision. */
function wireBefore(view: TxnReader, key: string): Uint8Array | undefined {
  const current: KeyMeta | undefined = view.get(key);
  return current === undefined ? undefined : view.wireOf(current);
}
