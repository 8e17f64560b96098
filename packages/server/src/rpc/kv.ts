import type { GrpcMethod, UnaryCall } from '@kvorum/h2';
import type { PackedRangeResult, RangeResult, Store } from '@kvorum/mvcc';
import type { ApplyResult } from '../apply/applier.ts';
import { isReadOnly, isSerializable, readRange, runReadOnlyTxn } from '../apply/kv.ts';
import { rangeQueryOf } from '../apply/reader.ts';
import type { Access } from '../auth/access.ts';
import { guardTxn } from '../auth/request-guard.ts';
import {
  decodeDeleteRange,
  decodePut,
  decodeRange,
  decodeTxn,
  type RangeRequest,
  type TxnRequest,
} from '../codec/kv-requests.ts';
import {
  encodeDeleteRangeResponse,
  encodePutResponse,
  encodeRangeResponse,
  encodeTxnResponse,
} from '../codec/kv-responses.ts';
import { decodeCompaction } from '../codec/raft-requests.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { NodeLoop } from '../node-loop.ts';
import type { ClientWrite, Proposer } from '../proposer.ts';
import type { MemberHeaders } from './headers.ts';
import { statusOf, unary, unaryAsync } from './method.ts';
import { streamRange } from './range-stream.ts';
import { validateDeleteRange, validatePut, validateRange, validateTxn } from './validate.ts';

export interface KvOptions {
  readonly store: Store;
  readonly loop: NodeLoop;
  readonly proposer: Proposer;
  readonly access: Access;
  readonly headers: MemberHeaders;
  readonly maxTxnOps: number;
  /** RangeStream adapts its chunks to half of this size, in bytes. */
  readonly maxRequestBytes: number;
  readonly metrics: Metrics;
}

/** etcdserverpb.KV. */
export class KvService {
  readonly #options: KvOptions;

  constructor(options: KvOptions) {
    this.#options = options;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/etcdserverpb.KV';
    return [
      [`${path}/Range`, unary((bytes, call) => this.#range(bytes, call))],
      [`${path}/RangeStream`, streamRange(this.#options)],
      [`${path}/Put`, unary((bytes, call) => this.#put(bytes, call))],
      [`${path}/DeleteRange`, unary((bytes, call) => this.#deleteRange(bytes, call))],
      [`${path}/Txn`, unary((bytes, call) => this.#txn(bytes, call))],
      [`${path}/Compact`, unaryAsync((bytes, call) => this.#compact(bytes, call))],
    ];
  }

  encodeResult(result: ApplyResult): Uint8Array {
    const { headers } = this.#options;
    switch (result.kind) {
      case 'put':
        return encodePutResponse(headers.at(result.revision), result);
      case 'deleteRange':
        return encodeDeleteRangeResponse(headers.at(result.revision), result);
      case 'txn':
        return encodeTxnResponse(headers.at(result.revision), result);
      default:
        throw new Error(`no KV request gives a ${result.kind}`);
    }
  }

  #put(bytes: Uint8Array, call: UnaryCall): void {
    const request = decodePut(bytes);
    validatePut(request);
    this.#propose(request, bytes, call);
  }

  #deleteRange(bytes: Uint8Array, call: UnaryCall): void {
    const request = decodeDeleteRange(bytes);
    validateDeleteRange(request);
    this.#propose(request, bytes, call);
  }

  /** Whether the caller may is seen when it's applied. */
  #propose(request: ClientWrite, bytes: Uint8Array, call: UnaryCall): void {
    const { proposer, access } = this.#options;
    proposer.proposeWrite(request, bytes, access.callerOf(call), call, this);
  }

  #range(bytes: Uint8Array, call: UnaryCall): void {
    const request = decodeRange(bytes);
    validateRange(request);
    if (request.serializable) this.#runRange(request, call);
    else this.#afterReadIndex(call, () => this.#runRange(request, call));
  }

  #runRange(request: RangeRequest, call: UnaryCall): void {
    const { store, headers, metrics, access } = this.#options;
    if (access.isEnabled) access.mustRead(access.callerOf(call), request.key, request.rangeEnd);
    metrics.mvcc.rangeTotal += 1;
    if (request.rangeEnd.length === 0) {
      const range = readRange(store, request);
      call.reply(encodeRangeResponse(headers.at(store.revision), range));
      return;
    }
    const soon = store.packedRangeSoon(rangeQueryOf(request));
    const reply = (range: RangeResult | PackedRangeResult): void => {
      call.reply(encodeRangeResponse(headers.at(store.revision), range));
    };
    if (!(soon instanceof Promise)) reply(soon);
    else soon.then(reply, (error: unknown) => failCall(call, error));
  }

  #txn(bytes: Uint8Array, call: UnaryCall): void {
    const request = decodeTxn(bytes);
    validateTxn(request, this.#options.maxTxnOps);
    if (!isReadOnly(request)) this.#propose(request, bytes, call);
    else if (isSerializable(request)) this.#runReadOnlyTxn(request, call);
    else this.#afterReadIndex(call, () => this.#runReadOnlyTxn(request, call));
  }

  #runReadOnlyTxn(request: TxnRequest, call: UnaryCall): void {
    const { store, headers, access } = this.#options;
    if (access.isEnabled) guardTxn(access, store, request, access.callerOf(call));
    const result = runReadOnlyTxn(store, request);
    call.reply(encodeTxnResponse(headers.at(result.revision), result));
  }

  /** A physical compaction answers when the space is free, another one when it's decided. */
  async #compact(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { proposer, headers, access } = this.#options;
    const request = decodeCompaction(bytes);
    await proposer.propose(request, access.callerOf(call));
    // Asked for only now: a state of the leader's may have brought another store meanwhile.
    if (request.physical) await this.#options.store.whenCompacted();
    return headers.at(this.#options.store.revision);
  }

  #afterReadIndex(call: UnaryCall, run: () => void): void {
    this.#options.loop.linearizableRead({
      run: () => {
        try {
          run();
        } catch (error) {
          failCall(call, error);
        }
      },
      fail: (error) => call.fail(error.wireStatus, error.text),
    });
  }
}

function failCall(call: UnaryCall, error: unknown): void {
  const { status, text } = statusOf(error);
  call.fail(status, text);
}
