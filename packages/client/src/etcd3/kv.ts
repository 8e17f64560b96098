import { create, toBinary } from '@bufbuild/protobuf';
import { RangeRequestSchema } from '@kvorum/api';
import type { CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import type {
  IDeleteRangeRequest,
  IDeleteRangeResponse,
  IPutRequest,
  IPutResponse,
  IRangeRequest,
  IRangeResponse,
  ITxnRequest,
  ITxnResponse,
} from './messages.ts';
import {
  deleteRangeRequest,
  isReadOnly,
  putRequest,
  rangeRequest,
  txnRequest,
} from './requests.ts';
import { deleteRangeResponse, putResponse, readRangeResponse, txnResponse } from './responses.ts';

const rangePath = '/etcdserverpb.KV/Range';

/** Who carries out what the builders have built. */
export interface KV {
  range(request: IRangeRequest, options?: CallOptions): Promise<IRangeResponse>;
  put(request: IPutRequest, options?: CallOptions): Promise<IPutResponse>;
  deleteRange(request: IDeleteRangeRequest, options?: CallOptions): Promise<IDeleteRangeResponse>;
}

/** The server. */
export class RemoteKV implements KV {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  range(params: IRangeRequest, options?: CallOptions): Promise<IRangeResponse> {
    const { rpc } = this.#calls.native;
    return this.#calls.call(contextOf('range', params), options, async (native) => {
      const request = create(RangeRequestSchema, rangeRequest(params));
      const answer = await rpc.unary(rangePath, toBinary(RangeRequestSchema, request), native);
      return readRangeResponse(answer);
    });
  }

  put(params: IPutRequest, options?: CallOptions): Promise<IPutResponse> {
    const { kv } = this.#calls.native.rpc;
    return this.#calls.call(contextOf('put', params), options, async (native) => {
      return putResponse(await kv.put(putRequest(params), native));
    });
  }

  deleteRange(params: IDeleteRangeRequest, options?: CallOptions): Promise<IDeleteRangeResponse> {
    const { kv } = this.#calls.native.rpc;
    return this.#calls.call(contextOf('deleteRange', params), options, async (native) => {
      return deleteRangeResponse(await kv.deleteRange(deleteRangeRequest(params), native));
    });
  }

  txn(params: ITxnRequest, options?: CallOptions): Promise<ITxnResponse> {
    const { kv } = this.#calls.native.rpc;
    return this.#calls.call(contextOf('txn', params), options, async (native) => {
      const isRepeatable = isReadOnly(params);
      return txnResponse(await kv.txn(txnRequest(params), { ...native, isRepeatable }));
    });
  }
}

function contextOf(method: string, params: unknown) {
  return { service: 'KV', method, isStream: false, params };
}
