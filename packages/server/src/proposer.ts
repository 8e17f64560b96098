import { EtcdError } from '@kvorum/api';
import type { UnaryCall } from '@kvorum/h2';
import type { ConfChange } from '@kvorum/raft';
import { ALARM_CORRUPT, ALARM_NOSPACE, type Alarms } from './apply/alarms.ts';
import { type ApplyResult, spaceNeeded } from './apply/applier.ts';
import type { Caller } from './auth/caller.ts';
import type { Clock } from './clock.ts';
import type { DeleteRangeRequest, PutRequest, TxnRequest } from './codec/kv-requests.ts';
import {
  DELETE_RANGE_TAG,
  type EncodedHere,
  encodeRaftRequest,
  PUT_TAG,
  type RaftRequest,
  TXN_TAG,
  wrapRaftRequest,
} from './codec/raft-requests.ts';
import type { NodeLoop } from './node-loop.ts';
import type { RequestIds } from './request-ids.ts';
import { OwnProposal, PendingCall, type ResultEncoder } from './rpc/pending-call.ts';

export interface ProposerOptions {
  readonly loop: NodeLoop;
  readonly ids: RequestIds;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly memberId: bigint;
  /** Who the member is when it proposes on its own account. */
  readonly ownCaller: () => Caller | undefined;
  /** A replicated request may be no larger, in bytes, with what is wrapped around it. */
  readonly maxRequestBytes: number;
  /** The store may be no larger, in bytes, before growing writes are refused; Infinity for no quota. */
  readonly quotaBytes: number;
  /** Bytes the store takes on disk. */
  readonly storeBytes: () => number;
}

/** A client's request whose bytes go into the log as they came. */
export type ClientWrite = PutRequest | DeleteRangeRequest | TxnRequest;

const TAGS = { put: PUT_TAG, deleteRange: DELETE_RANGE_TAG, txn: TXN_TAG } as const;

/** The size of the store moves slowly, and asking the engine for it costs; it's looked at again after so long. */
const QUOTA_LOOK_EVERY_MS = 1000;

/** Turns requests into entries of the log. */
export class Proposer {
  readonly #options: ProposerOptions;
  #storeBytes = 0;
  #storeBytesAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProposerOptions) {
    this.#options = options;
  }

  /**
   * Proposes a client's write; `bytes` is its encoded form, `request` the decoded one. Throws `EtcdError`
   * requestTooLarge, noSpace, tooManyRequests or stopped.
   */
  proposeWrite(
    request: ClientWrite,
    bytes: Uint8Array,
    caller: Caller | undefined,
    call: UnaryCall,
    encoder: ResultEncoder,
  ): void {
    const { ids, loop, clock } = this.#options;
    this.#checkQuota(request);
    ids.advance();
    const data = wrapRaftRequest(TAGS[request.kind], bytes, ids.high, ids.low, caller);
    this.#checkSize(data);
    loop.propose(data, new PendingCall(request, caller, clock.nowMs(), call, encoder), ids);
  }

  /** Proposes any other request of a client and resolves with its outcome; rejects with `EtcdError`. */
  async propose(request: EncodedHere, caller: Caller | undefined): Promise<ApplyResult> {
    return await this.#propose(request, caller, undefined);
  }

  /**
   * Proposes what the member wants on its own account, and may. With a term, it's what only the leader of that term may
   * want. Rejects with `EtcdError`.
   */
  async proposeOwn(request: EncodedHere, leaderTerm?: number): Promise<ApplyResult> {
    return await this.#propose(request, this.#options.ownCaller(), leaderTerm);
  }

  async #propose(
    request: EncodedHere,
    caller: Caller | undefined,
    leaderTerm: number | undefined,
  ): Promise<ApplyResult> {
    const { ids, loop, clock } = this.#options;
    this.#checkQuota(request);
    ids.advance();
    const data = encodeRaftRequest(request, ids.high, ids.low, caller);
    this.#checkSize(data);
    const proposal = new OwnProposal(request, caller, clock.nowMs());
    if (leaderTerm === undefined) loop.propose(data, proposal, ids);
    else loop.proposeAsLeader(data, proposal, ids, leaderTerm);
    return await proposal.applied;
  }

  /** Proposes a change of the membership and resolves with its outcome; rejects with `EtcdError`. */
  async proposeChange(change: Omit<ConfChange, 'id'>): Promise<ApplyResult> {
    const { ids, loop, clock } = this.#options;
    ids.advance();
    const id = (BigInt(ids.high) << 32n) | BigInt(ids.low);
    const full = { ...change, id };
    const proposal = new OwnProposal(
      { kind: 'membership', change: full },
      undefined,
      clock.nowMs(),
    );
    loop.proposeChange(full, proposal, ids);
    return await proposal.applied;
  }

  /** A fresh positive int63. */
  nextLeaseId(): bigint {
    return this.#options.ids.nextInt63();
  }

  #checkSize(data: Uint8Array): void {
    if (data.length > this.#options.maxRequestBytes) throw new EtcdError('requestTooLarge');
  }

  /** A write that would cross the quota raises the alarm, which all members then act on, and is refused. */
  #checkQuota(request: RaftRequest): void {
    const { alarms, quotaBytes, memberId, clock } = this.#options;
    if (alarms.has(ALARM_CORRUPT) || quotaBytes === Number.POSITIVE_INFINITY) return;
    const needed = spaceNeeded(request);
    if (needed === 0) return;
    if (alarms.has(ALARM_NOSPACE)) throw new EtcdError('noSpace');
    const now = clock.nowMs();
    if (now - this.#storeBytesAtMs > QUOTA_LOOK_EVERY_MS) {
      this.#storeBytesAtMs = now;
      this.#storeBytes = this.#options.storeBytes();
    }
    this.#storeBytes += needed;
    if (this.#storeBytes < quotaBytes) return;
    const raise = { kind: 'alarm', action: 1, memberId, alarm: ALARM_NOSPACE } as const;
    this.proposeOwn(raise).catch(() => {
      // The next write that finds the quota crossed tries again.
    });
    throw new EtcdError('noSpace');
  }
}
