import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import {
  type DeleteRangeResponse,
  type KeyValue,
  type LeaseKeepAliveResponse,
  type PutResponse,
  type RangeResponse,
  type ResponseHeader,
  ResponseHeaderSchema,
  type ResponseOp,
  type TxnResponse,
} from '@kvorum/api';
import type { KeyValueFields } from '../key-value.ts';
import { readRangeAnswer } from '../kv/range-answer.ts';
import { toBuffer } from './encoding.ts';
import type {
  IDeleteRangeResponse,
  IKeyValue,
  ILeaseKeepAliveResponse,
  IPutResponse,
  IRangeResponse,
  IResponseHeader,
  IResponseOp,
  ITxnResponse,
} from './messages.ts';

/** A header of which nothing is known but the revision. */
export function headerAt(revision: bigint): IResponseHeader {
  return { cluster_id: '0', member_id: '0', revision: String(revision), raft_term: '0' };
}

function headerOf(header: ResponseHeader | undefined): IResponseHeader {
  if (header === undefined) return headerAt(0n);
  const { clusterId, memberId, revision, raftTerm } = header;
  return {
    cluster_id: String(clusterId),
    member_id: String(memberId),
    revision: String(revision),
    raft_term: String(raftTerm),
  };
}

export function keyValueOf(kv: KeyValue | KeyValueFields): IKeyValue {
  return {
    key: toBuffer(kv.key),
    create_revision: String(kv.createRevision),
    mod_revision: String(kv.modRevision),
    version: String(kv.version),
    value: toBuffer(kv.value),
    lease: String(kv.lease),
  };
}

/** Reads the wire format, of which large ranges have much; its Buffers are views of the answer's. */
export function readRangeResponse(bytes: Uint8Array): IRangeResponse {
  const { kvs, more, count, revision } = readRangeAnswer(bytes);
  const header = readHeader(bytes) ?? headerAt(revision);
  return { header, kvs: kvs.map(keyValueOf), more, count: String(count) };
}

/** The header that answers begin with. */
function readHeader(answer: Uint8Array): IResponseHeader | undefined {
  const reader = new BinaryReader(answer);
  if (answer.length === 0 || reader.tag()[0] !== 1) return undefined;
  return headerOf(fromBinary(ResponseHeaderSchema, reader.bytes()));
}

function rangeResponse({ header, kvs, more, count }: RangeResponse): IRangeResponse {
  return { header: headerOf(header), kvs: kvs.map(keyValueOf), more, count: String(count) };
}

export function putResponse({ header, prevKv }: PutResponse): IPutResponse {
  return { header: headerOf(header), prev_kv: prevKv === undefined ? null : keyValueOf(prevKv) };
}

export function deleteRangeResponse(response: DeleteRangeResponse): IDeleteRangeResponse {
  const { header, deleted, prevKvs } = response;
  return {
    header: headerOf(header),
    deleted: String(deleted),
    prev_kvs: prevKvs.map(keyValueOf),
  };
}

export function txnResponse({ header, succeeded, responses }: TxnResponse): ITxnResponse {
  return { header: headerOf(header), succeeded, responses: responses.map(responseOp) };
}

export function keepAliveResponse(response: LeaseKeepAliveResponse): ILeaseKeepAliveResponse {
  const { header, ID, TTL } = response;
  return { header: headerOf(header), ID: String(ID), TTL: String(TTL) };
}

/** Only one field of four is there, as in npm's etcd3, whose type says otherwise. */
function responseOp({ response }: ResponseOp): IResponseOp {
  return oneOf(response) as IResponseOp;
}

function oneOf(response: ResponseOp['response']): Partial<IResponseOp> {
  switch (response.case) {
    case 'responseRange':
      return { response: 'response_range', response_range: rangeResponse(response.value) };
    case 'responsePut':
      return { response: 'response_put', response_put: putResponse(response.value) };
    case 'responseDeleteRange': {
      const value = deleteRangeResponse(response.value);
      return { response: 'response_delete_range', response_delete_range: value };
    }
    case 'responseTxn':
      return { response: 'response_txn', response_txn: txnResponse(response.value) };
    default:
      return {};
  }
}
