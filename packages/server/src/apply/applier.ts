import { EtcdError } from '@kvorum/api';
import type { ApplyBatch, Lessor } from '@kvorum/mvcc';
import type { Caller } from '../auth/caller.ts';
import type { MemberAuth } from '../auth/member-auth.ts';
import { guardRequest } from '../auth/request-guard.ts';
import type { RequestOp, TxnRequest } from '../codec/kv-requests.ts';
import type { DeleteRangeResult, PutResult, TxnResult } from '../codec/kv-responses.ts';
import type { DowngradeInfoSetRequest, RaftRequest } from '../codec/raft-requests.ts';
import type { V2Request } from '../codec/v2-request.ts';
import type { Cluster } from '../membership/cluster.ts';
import type { V2Outcome, V2Store } from '../v2/v2-store.ts';
import { ALARM_CORRUPT, ALARM_NOSPACE, type Alarm, type Alarms } from './alarms.ts';
import type { AuthApplier, AuthResult } from './auth.ts';
import { applyDeleteRange, applyPut, applyTxn } from './kv.ts';
import { TxnReader, toEtcdError } from './reader.ts';

export interface CompactionResult {
  readonly kind: 'compaction';
}

export interface LeaseResult {
  readonly kind: 'lease';
  /** Seconds that were granted; 0 for a revoke. */
  readonly ttlSeconds: number;
  /** Of the store right after this request: a revoke that deleted keys made it. */
  readonly revision: number;
}

export interface AlarmResult {
  readonly kind: 'alarm';
  readonly alarms: readonly Alarm[];
}

export interface V2Result {
  readonly kind: 'v2';
  readonly outcome: V2Outcome;
}

/** The leader could not begin a change of the membership: another one is under way. */
export interface DeferredResult {
  readonly kind: 'deferred';
}

export interface NothingResult {
  readonly kind: 'nothing';
}

/** What applying one request gave. */
export type ApplyResult =
  | PutResult
  | DeleteRangeResult
  | TxnResult
  | CompactionResult
  | LeaseResult
  | AlarmResult
  | AuthResult
  | V2Result
  | DeferredResult
  | NothingResult;

const NOTHING: NothingResult = { kind: 'nothing' };

/** The parts of the state that requests change, beside the keys. */
export interface ApplierParts {
  readonly lessor: Lessor;
  readonly alarms: Alarms;
  readonly cluster: Cluster;
  readonly v2: V2Store;
  readonly auth: Pick<MemberAuth, 'access' | 'applier'>;
}

/**
 * The replicated state machine: one case per request. It decides from the replicated state alone, so every member
 * comes to the same result for the same log.
 */
export class Applier {
  readonly #lessor: Lessor;
  readonly #alarms: Alarms;
  readonly #cluster: Cluster;
  readonly #v2: V2Store;
  readonly #access: MemberAuth['access'];
  readonly #auth: AuthApplier;

  constructor(parts: ApplierParts) {
    this.#lessor = parts.lessor;
    this.#alarms = parts.alarms;
    this.#cluster = parts.cluster;
    this.#v2 = parts.v2;
    this.#access = parts.auth.access;
    this.#auth = parts.auth.applier;
  }

  /**
   * Applies one request, which `caller` made and whose entry has that index, to the open batch. Throws `EtcdError` when
   * it is refused; nothing has changed then.
   */
  apply(
    batch: ApplyBatch,
    request: RaftRequest,
    caller: Caller | undefined,
    index: number,
  ): ApplyResult {
    this.#checkAlarms(request);
    if (this.#access.isEnabled) guardRequest(this.#access, batch, request, caller);
    switch (request.kind) {
      case 'put':
        return this.#write(batch, (view) => applyPut(view, this.#lessor, request));
      case 'deleteRange':
        return this.#write(batch, (view) => applyDeleteRange(view, request));
      case 'txn':
        return this.#write(batch, (view) => applyTxn(view, this.#lessor, request));
      case 'compaction':
        return this.#compact(batch, request.revision);
      case 'leaseGrant': {
        if (this.#lessor.has(request.id)) throw new EtcdError('leaseExist');
        const ttlSeconds = this.#lessor.grant(batch, request.id, request.ttlSeconds);
        return { kind: 'lease', ttlSeconds, revision: batch.revision };
      }
      case 'leaseRevoke':
        if (!this.#lessor.has(request.id)) throw new EtcdError('leaseNotFound');
        this.#lessor.revoke(batch, request.id);
        return { kind: 'lease', ttlSeconds: 0, revision: batch.revision };
      case 'leaseCheckpoint':
        for (const { id, remainingSeconds } of request.checkpoints) {
          this.#lessor.checkpoint(batch, id, remainingSeconds);
        }
        return NOTHING;
      case 'alarm':
        return { kind: 'alarm', alarms: this.#alarms.apply(batch, request) };
      case 'clusterVersionSet':
        this.#cluster.setVersion(batch, request.version);
        this.#v2.skip(batch, 1);
        return NOTHING;
      case 'memberAttributesSet':
        this.#cluster.setAttributes(batch, request.memberId, request.name, request.clientUrls);
        this.#v2.skip(batch, 1);
        return NOTHING;
      case 'downgradeInfoSet':
        this.#downgrade(batch, request);
        return NOTHING;
      case 'v2':
        return { kind: 'v2', outcome: this.#v2.apply(batch, request) };
      default:
        return this.#auth.apply(batch, request, index);
    }
  }

  #downgrade(batch: ApplyBatch, { isEnabled, version }: DowngradeInfoSetRequest): void {
    if (!isEnabled) {
      this.#cluster.endDowngrade(batch, version);
      return;
    }
    // Two may have been asked for at once.
    if (this.#cluster.downgradeTarget !== undefined) throw new EtcdError('downgradeInProcess');
    this.#cluster.beginDowngrade(batch, version);
  }

  #write<T>(batch: ApplyBatch, run: (view: TxnReader) => T): T {
    const txn = batch.begin();
    try {
      return run(new TxnReader(txn, batch.compactRevision));
    } finally {
      txn.end();
    }
  }

  #compact(batch: ApplyBatch, revision: number): CompactionResult {
    try {
      batch.compact(revision);
    } catch (error) {
      throw toEtcdError(error);
    }
    return { kind: 'compaction' };
  }

  /** A corrupt cluster changes nothing any more; a full one takes only what doesn't grow it. */
  #checkAlarms(request: RaftRequest): void {
    if (this.#alarms.has(ALARM_CORRUPT) && CHANGES_DATA.has(request.kind)) {
      throw new EtcdError('corrupt');
    }
    if (this.#alarms.has(ALARM_NOSPACE) && needsSpace(request)) throw new EtcdError('noSpace');
  }
}

const CHANGES_DATA: ReadonlySet<RaftRequest['kind']> = new Set([
  'put',
  'deleteRange',
  'txn',
  'compaction',
  'leaseGrant',
  'leaseRevoke',
  'v2',
]);

/** Bytes that etcd counts for a put beside its key and value (`etcd: server/storage/quota.go`). */
const PUT_OVERHEAD_BYTES = 256;
const LEASE_BYTES = 64;

/** What a request may add to the store, in bytes, as the quota counts it. */
export function spaceNeeded(request: RaftRequest): number {
  if (request.kind === 'put') return putSpace(request.key.length, request.value.length);
  if (request.kind === 'txn') return txnSpace(request);
  if (request.kind === 'v2') return v2Space(request);
  return request.kind === 'leaseGrant' ? LEASE_BYTES : 0;
}

function needsSpace(request: RaftRequest): boolean {
  return spaceNeeded(request) > 0;
}

function putSpace(keyBytes: number, valueBytes: number): number {
  return PUT_OVERHEAD_BYTES + keyBytes + valueBytes;
}

/** What deletes, lets expire, or renews a TTL needs none. */
function v2Space({ method, path, value, isRefresh }: V2Request): number {
  const grows = (method === 'PUT' || method === 'POST') && !isRefresh;
  return grows ? putSpace(path.length, value.length) : 0;
}

function txnSpace(request: TxnRequest): number {
  return Math.max(branchSpace(request.success), branchSpace(request.failure));
}

function branchSpace(ops: readonly RequestOp[]): number {
  let bytes = 0;
  for (const op of ops) {
    if (op?.kind === 'put') bytes += putSpace(op.key.length, op.value.length);
    else if (op?.kind === 'txn') bytes += txnSpace(op);
  }
  return bytes;
}
