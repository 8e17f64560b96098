import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CompactionRequestSchema,
  CompactionResponseSchema,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
} from '@kvorum/api';
import type { Answer, Request } from '../history/index.ts';
import {
  deleteAnswer,
  deleteInit,
  putInit,
  rangeAnswer,
  rangeInit,
  revisionOf,
  txnAnswer,
  txnInit,
} from '../history/wire.ts';

/** A request on its way: where to, its bytes, and what its answer's bytes mean. */
export interface WireCall {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly answerOf: (message: Uint8Array) => Answer;
}

/** A request as a client sends it. */
export function wireCallOf(request: Request): WireCall {
  switch (request.kind) {
    case 'put':
      return {
        path: '/etcdserverpb.KV/Put',
        bytes: toBinary(PutRequestSchema, create(PutRequestSchema, putInit(request))),
        answerOf: (message) => {
          return { kind: 'put', revision: revisionOf(fromBinary(PutResponseSchema, message)) };
        },
      };
    case 'range':
      return {
        path: '/etcdserverpb.KV/Range',
        bytes: toBinary(RangeRequestSchema, create(RangeRequestSchema, rangeInit(request))),
        answerOf: (message) => rangeAnswer(fromBinary(RangeResponseSchema, message)),
      };
    case 'delete':
      return {
        path: '/etcdserverpb.KV/DeleteRange',
        bytes: toBinary(
          DeleteRangeRequestSchema,
          create(DeleteRangeRequestSchema, deleteInit(request)),
        ),
        answerOf: (message) => deleteAnswer(fromBinary(DeleteRangeResponseSchema, message)),
      };
    case 'txn':
      return {
        path: '/etcdserverpb.KV/Txn',
        bytes: toBinary(TxnRequestSchema, create(TxnRequestSchema, txnInit(request))),
        answerOf: (message) => txnAnswer(fromBinary(TxnResponseSchema, message)),
      };
    case 'grant': {
      const init = { ID: request.id, TTL: BigInt(request.ttlSeconds) };
      return {
        path: '/etcdserverpb.Lease/LeaseGrant',
        bytes: toBinary(LeaseGrantRequestSchema, create(LeaseGrantRequestSchema, init)),
        answerOf: (message) => leaseAnswer(fromBinary(LeaseGrantResponseSchema, message)),
      };
    }
    case 'revoke':
      return {
        path: '/etcdserverpb.Lease/LeaseRevoke',
        bytes: toBinary(
          LeaseRevokeRequestSchema,
          create(LeaseRevokeRequestSchema, { ID: request.id }),
        ),
        answerOf: (message) => leaseAnswer(fromBinary(LeaseRevokeResponseSchema, message)),
      };
    case 'compact': {
      const init = { revision: BigInt(request.revision) };
      return {
        path: '/etcdserverpb.KV/Compact',
        bytes: toBinary(CompactionRequestSchema, create(CompactionRequestSchema, init)),
        answerOf: (message) => {
          const revision = revisionOf(fromBinary(CompactionResponseSchema, message));
          return { kind: 'compact', revision };
        },
      };
    }
  }
}

function leaseAnswer(message: Parameters<typeof revisionOf>[0]): Answer {
  return { kind: 'lease', revision: revisionOf(message) };
}
