import type { PutRequest, RequestOp, TxnRequest } from '../codec/kv-requests.ts';
import type { RaftRequest } from '../codec/raft-requests.ts';
import type { Access } from './access.ts';
import type { Caller } from './caller.ts';

/** The keys attached to leases, at the point of the log that is being applied; as latin1 texts. */
export interface AttachedKeys {
  leaseKeys(id: bigint): readonly string[];
}

/**
 * Checks whether a request may be applied: at that point of the log, so that what was taken away between the proposal
 * and now counts. Throws `EtcdError` userEmpty, authOldRevision, userNotFound or permissionDenied. Does nothing while
 * authentication is off.
 *
 * What members propose on their own account has no caller, or root: see `Access.ownCaller`.
 */
export function guardRequest(
  access: Access,
  attached: AttachedKeys,
  request: RaftRequest,
  caller: Caller | undefined,
): void {
  switch (request.kind) {
    case 'put':
      guardPut(access, attached, request, caller);
      return;
    case 'deleteRange':
      access.mustWrite(caller, request.key, request.rangeEnd);
      if (request.prevKv) access.mustRead(caller, request.key, request.rangeEnd);
      return;
    case 'txn':
      guardTxn(access, attached, request, caller);
      return;
    case 'leaseGrant':
      access.mustBeUser(caller);
      return;
    case 'leaseRevoke':
      access.mustBeUser(caller);
      guardLease(access, attached, request.id, caller);
      return;
    case 'authUserGet':
      access.mustBeRootOr(caller, request.message.name);
      return;
    case 'authRoleGet':
      access.mustBeRootOrHold(caller, request.message.role);
      return;
    case 'authenticate':
    case 'authStatus':
    case 'alarm':
    case 'leaseCheckpoint':
    case 'clusterVersionSet':
    case 'downgradeInfoSet':
    case 'memberAttributesSet':
    case 'v2':
      return;
    default:
      access.mustBeRoot(caller);
  }
}

/** What both branches of a transaction do, whichever is taken, must be allowed; and its compares read. */
export function guardTxn(
  access: Access,
  attached: AttachedKeys,
  request: TxnRequest,
  caller: Caller | undefined,
): void {
  for (const { key, rangeEnd } of request.compare) access.mustRead(caller, key, rangeEnd);
  for (const op of request.success) guardOp(access, attached, op, caller);
  for (const op of request.failure) guardOp(access, attached, op, caller);
}

function guardOp(
  access: Access,
  attached: AttachedKeys,
  op: RequestOp,
  caller: Caller | undefined,
): void {
  if (op?.kind === 'range') access.mustRead(caller, op.key, op.rangeEnd);
  else if (op?.kind === 'txn') guardTxn(access, attached, op, caller);
  else if (op !== undefined) guardRequest(access, attached, op, caller);
}

function guardPut(
  access: Access,
  attached: AttachedKeys,
  request: PutRequest,
  caller: Caller | undefined,
): void {
  access.mustWrite(caller, request.key);
  if (request.lease !== 0n) guardLease(access, attached, request.lease, caller);
  if (request.prevKv) access.mustRead(caller, request.key);
}

/**
 * Whoever ends, keeps or uses a lease decides about all keys attached to it. Throws as `Access.mustWrite`; a lease
 * without keys, or that isn't there, is anybody's.
 */
export function guardLease(
  access: Access,
  attached: AttachedKeys,
  id: bigint,
  caller: Caller | undefined,
): void {
  if (access.isUnlimited(caller)) return;
  for (const key of attached.leaseKeys(id)) access.mustWrite(caller, Buffer.from(key, 'latin1'));
}
