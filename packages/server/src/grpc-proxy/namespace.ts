import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  CampaignRequestSchema,
  CampaignResponseSchema,
  type Compare,
  DeleteRangeRequestSchema,
  DeleteRangeResponseSchema,
  EtcdError,
  type KeyValue,
  LeaderRequestSchema,
  LeaderResponseSchema,
  LeaseTimeToLiveResponseSchema,
  LockRequestSchema,
  LockResponseSchema,
  ProclaimRequestSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  type RequestOp,
  ResignRequestSchema,
  type ResponseOp,
  TxnRequestSchema,
  TxnResponseSchema,
  UnlockRequestSchema,
} from '@kvorum/api';
import { openEnd, prefixEnd } from '@kvorum/client';
import { MAX_TXN_DEPTH } from '../codec/kv-requests.ts';
import { decodeMessage } from '../codec/message.ts';

/** Keys as requests have them: [key, rangeEnd), or one key where `rangeEnd` is empty. */
export interface KeySpan {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** Between the keys that clients see and those that the members have. Messages without keys stay as they are. */
export interface KeyTranslation {
  /** A serialized request of a method, as the members get it. Throws `ProtoError`, or `EtcdError` "emptyKey". */
  request(path: string, request: Uint8Array): Uint8Array;
  /** A serialized response, as the client gets it. */
  response(path: string, response: Uint8Array): Uint8Array;
  span(span: KeySpan): KeySpan;
  /** A key of the members as the client has it; a view. */
  strip(key: Uint8Array): Uint8Array;
}

/** Clients see the keys that the members have. */
export const plainKeys: KeyTranslation = {
  request: (_path, request) => request,
  response: (_path, response) => response,
  span: (span) => span,
  strip: (key) => key,
};

/** How the messages of one method are changed in place. */
interface MethodChange {
  readonly request: (bytes: Uint8Array) => Uint8Array;
  readonly response: (bytes: Uint8Array) => Uint8Array;
}

const same = (bytes: Uint8Array) => bytes;

/** Clients see the keys below a prefix, without it. */
export function namespacedKeys(prefixText: string): KeyTranslation {
  const prefix = Buffer.from(prefixText);
  const methods = methodChanges(new PrefixedKeys(prefix));
  const keys = new PrefixedKeys(prefix);
  return {
    request: (path, request) => methods.get(path)?.request(request) ?? request,
    response: (path, response) => methods.get(path)?.response(response) ?? response,
    span: (span) => keys.span(span),
    strip: (key) => keys.strip(key),
  };
}

/** Puts a prefix before keys, in whatever they come, and takes it off again. */
class PrefixedKeys {
  readonly #prefix: Uint8Array;

  constructor(prefix: Uint8Array) {
    this.#prefix = prefix;
  }

  add(key: Uint8Array): Uint8Array {
    return Buffer.concat([this.#prefix, key]);
  }

  strip(key: Uint8Array): Uint8Array {
    return key.subarray(Math.min(this.#prefix.length, key.length));
  }

  span({ key, rangeEnd }: KeySpan): KeySpan {
    return { key: this.add(key), rangeEnd: this.#end(rangeEnd) };
  }

  /** The prefix makes a key of nothing; without this a client would get at the key that is the prefix. */
  needKey(key: Uint8Array): void {
    if (key.length === 0) throw new EtcdError('emptyKey');
  }

  addTo(message: { key: Uint8Array; rangeEnd: Uint8Array }): void {
    this.needKey(message.key);
    Object.assign(message, this.span(message));
  }

  addToCompare(compare: Compare): void {
    Object.assign(compare, this.span(compare));
  }

  addToOp({ request }: RequestOp, depth: number): void {
    if (request.case === 'requestRange') this.addTo(request.value);
    else if (request.case === 'requestDeleteRange') this.addTo(request.value);
    else if (request.case === 'requestTxn') this.addToTxn(request.value, depth + 1);
    else if (request.case === 'requestPut') {
      this.needKey(request.value.key);
      request.value.key = this.add(request.value.key);
    }
  }

  addToTxn(
    txn: { compare: Compare[]; success: RequestOp[]; failure: RequestOp[] },
    depth = 0,
  ): void {
    if (depth > MAX_TXN_DEPTH) throw new EtcdError('tooManyOps');
    for (const compare of txn.compare) this.addToCompare(compare);
    for (const op of [...txn.success, ...txn.failure]) this.addToOp(op, depth);
  }

  stripFrom(kv: KeyValue | undefined): void {
    if (kv !== undefined) kv.key = this.strip(kv.key);
  }

  stripFromOp({ response }: ResponseOp): void {
    if (response.case === 'responseRange') for (const kv of response.value.kvs) this.stripFrom(kv);
    else if (response.case === 'responsePut') this.stripFrom(response.value.prevKv);
    else if (response.case === 'responseDeleteRange') {
      for (const kv of response.value.prevKvs) this.stripFrom(kv);
    } else if (response.case === 'responseTxn') {
      for (const op of response.value.responses) this.stripFromOp(op);
    }
  }

  #end(end: Uint8Array): Uint8Array {
    if (end.length === 0) return end;
    if (end.length > 1 || end[0] !== 0) return this.add(end);
    // All after a key: all of the prefix after it.
    const last = prefixEnd(this.#prefix);
    return last.length === 0 ? openEnd : last;
  }
}

/** What each method with keys in its messages needs. */
function methodChanges(keys: PrefixedKeys): ReadonlyMap<string, MethodChange> {
  const kv = '/etcdserverpb.KV';
  const election = '/v3electionpb.Election';
  return new Map<string, MethodChange>([
    [
      `${kv}/Range`,
      {
        request: changing(RangeRequestSchema, (message) => keys.addTo(message)),
        response: changing(RangeResponseSchema, ({ kvs }) => {
          for (const one of kvs) keys.stripFrom(one);
        }),
      },
    ],
    [
      `${kv}/Put`,
      {
        request: changing(PutRequestSchema, (message) => {
          keys.needKey(message.key);
          message.key = keys.add(message.key);
        }),
        response: changing(PutResponseSchema, ({ prevKv }) => keys.stripFrom(prevKv)),
      },
    ],
    [
      `${kv}/DeleteRange`,
      {
        request: changing(DeleteRangeRequestSchema, (message) => keys.addTo(message)),
        response: changing(DeleteRangeResponseSchema, ({ prevKvs }) => {
          for (const one of prevKvs) keys.stripFrom(one);
        }),
      },
    ],
    [
      `${kv}/Txn`,
      {
        request: changing(TxnRequestSchema, (message) => keys.addToTxn(message)),
        response: changing(TxnResponseSchema, ({ responses }) => {
          for (const op of responses) keys.stripFromOp(op);
        }),
      },
    ],
    [
      '/etcdserverpb.Lease/LeaseTimeToLive',
      {
        request: same,
        response: changing(LeaseTimeToLiveResponseSchema, (message) => {
          message.keys = message.keys.map((key) => keys.strip(key));
        }),
      },
    ],
    [
      '/v3lockpb.Lock/Lock',
      {
        request: changing(LockRequestSchema, (message) => {
          message.name = keys.add(message.name);
        }),
        response: changing(LockResponseSchema, (message) => {
          message.key = keys.strip(message.key);
        }),
      },
    ],
    [
      '/v3lockpb.Lock/Unlock',
      {
        request: changing(UnlockRequestSchema, (message) => {
          message.key = keys.add(message.key);
        }),
        response: same,
      },
    ],
    [
      `${election}/Campaign`,
      {
        request: changing(CampaignRequestSchema, (message) => {
          message.name = keys.add(message.name);
        }),
        response: changing(CampaignResponseSchema, ({ leader }) => stripLeader(keys, leader)),
      },
    ],
    [
      `${election}/Proclaim`,
      {
        request: changing(ProclaimRequestSchema, ({ leader }) => addToLeader(keys, leader)),
        response: same,
      },
    ],
    [`${election}/Leader`, leaderChange(keys)],
    [`${election}/Observe`, leaderChange(keys)],
    [
      `${election}/Resign`,
      {
        request: changing(ResignRequestSchema, ({ leader }) => addToLeader(keys, leader)),
        response: same,
      },
    ],
  ]);
}

function leaderChange(keys: PrefixedKeys): MethodChange {
  return {
    request: changing(LeaderRequestSchema, (message) => {
      message.name = keys.add(message.name);
    }),
    response: changing(LeaderResponseSchema, ({ kv }) => keys.stripFrom(kv)),
  };
}

interface Leadership {
  name: Uint8Array;
  key: Uint8Array;
}

function addToLeader(keys: PrefixedKeys, leader: Leadership | undefined): void {
  if (leader === undefined) return;
  leader.name = keys.add(leader.name);
  leader.key = keys.add(leader.key);
}

function stripLeader(keys: PrefixedKeys, leader: Leadership | undefined): void {
  if (leader === undefined) return;
  leader.name = keys.strip(leader.name);
  leader.key = keys.strip(leader.key);
}

function changing<Desc extends DescMessage>(
  schema: Desc,
  change: (message: MessageShape<Desc>) => void,
): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    const message = decodeMessage(schema, bytes);
    change(message);
    return toBinary(schema, message);
  };
}
