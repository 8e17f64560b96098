import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type CompareSchema,
  Compare_CompareTarget as CompareTarget,
  type DeleteRangeRequestSchema,
  type DeleteRangeResponse,
  Event_EventType as EventType,
  type KeyValue,
  type PutRequestSchema,
  type RangeRequestSchema,
  type RangeResponse,
  type RequestOpSchema,
  type ResponseOp,
  type TxnRequestSchema,
  type TxnResponse,
  type WatchResponse,
  type Event as WireEvent,
} from '@kvorum/api';
import type {
  Answer,
  Compare,
  KeyEvent,
  OperationAnswer,
  Pair,
  Refusal,
  Request,
  TxnOperation,
  WatchMessage,
} from './operation.ts';

type RequestOf<Kind> = Extract<Request, { kind: Kind }>;

/** A put as the API takes it. */
export function putInit(request: RequestOf<'put'>): MessageInitShape<typeof PutRequestSchema> {
  const { key, value, lease } = request;
  return { key: Buffer.from(key), value: Buffer.from(value), lease };
}

/** A range as the API takes it. */
export function rangeInit(
  request: RequestOf<'range'>,
): MessageInitShape<typeof RangeRequestSchema> {
  const { key, rangeEnd, revision, serializable } = request;
  return {
    key: Buffer.from(key),
    rangeEnd: Buffer.from(rangeEnd),
    revision: BigInt(revision),
    serializable,
  };
}

/** A delete as the API takes it. */
export function deleteInit({
  key,
  rangeEnd,
}: RequestOf<'delete'>): MessageInitShape<typeof DeleteRangeRequestSchema> {
  return { key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) };
}

/** A transaction as the API takes it. */
export function txnInit(request: RequestOf<'txn'>): MessageInitShape<typeof TxnRequestSchema> {
  return {
    compare: request.compares.map(compareInit),
    success: request.success.map(operationInit),
    failure: request.failure.map(operationInit),
  };
}

function operationInit(operation: TxnOperation): MessageInitShape<typeof RequestOpSchema> {
  switch (operation.kind) {
    case 'put':
      return { request: { case: 'requestPut', value: putInit(operation) } };
    case 'range':
      return { request: { case: 'requestRange', value: rangeInit(operation) } };
    case 'delete':
      return { request: { case: 'requestDeleteRange', value: deleteInit(operation) } };
  }
}

function compareInit({ key, target, equals }: Compare): MessageInitShape<typeof CompareSchema> {
  const name = Buffer.from(key);
  if (typeof equals === 'string') {
    const value = Buffer.from(equals);
    return { key: name, target: CompareTarget.VALUE, targetUnion: { case: 'value', value } };
  }
  const value = BigInt(equals);
  switch (target) {
    case 'modRevision':
      return { key: name, target: CompareTarget.MOD, targetUnion: { case: target, value } };
    case 'createRevision':
      return { key: name, target: CompareTarget.CREATE, targetUnion: { case: target, value } };
    default:
      return {
        key: name,
        target: CompareTarget.VERSION,
        targetUnion: { case: 'version', value },
      };
  }
}

/** A header's revision. */
export function revisionOf(message: {
  readonly header?: { readonly revision: bigint } | undefined;
}): number {
  return Number(message.header?.revision ?? 0n);
}

/** What a range has answered. */
export function rangeAnswer(response: RangeResponse): Answer {
  return { ...rangePart(response), revision: revisionOf(response) };
}

/** What a delete has answered. */
export function deleteAnswer(response: DeleteRangeResponse): Answer {
  const { deleted } = response;
  return { kind: 'delete', deleted: Number(deleted), revision: revisionOf(response) };
}

/** What a transaction has answered. */
export function txnAnswer(response: TxnResponse): Answer {
  const answers = response.responses.map(partOf);
  return { kind: 'txn', succeeded: response.succeeded, answers, revision: revisionOf(response) };
}

function partOf({ response }: ResponseOp): OperationAnswer {
  switch (response.case) {
    case 'responsePut':
      return { kind: 'put' };
    case 'responseRange':
      return rangePart(response.value);
    case 'responseDeleteRange':
      return { kind: 'delete', deleted: Number(response.value.deleted) };
    default:
      throw new Error(`an answer of a kind that was not asked for: ${response.case}`);
  }
}

function rangePart({ kvs, count }: RangeResponse): Extract<OperationAnswer, { kind: 'range' }> {
  return { kind: 'range', pairs: kvs.map(pairOf), count: Number(count) };
}

/** A pair as the API shows it. */
export function pairOf(kv: KeyValue): Pair {
  return {
    key: Buffer.from(kv.key).toString(),
    value: Buffer.from(kv.value).toString(),
    lease: kv.lease,
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
  };
}

/** A message on a watch; with `prevKv`, every event says what it replaced. */
export function watchMessage(response: WatchResponse, prevKv: boolean): WatchMessage {
  return {
    revision: revisionOf(response),
    events: response.events.map((event) => eventOf(event, prevKv)),
  };
}

function eventOf({ type, kv, prevKv }: WireEvent, asksPrevious: boolean): KeyEvent {
  if (kv === undefined) throw new Error('an event without a key');
  const pair = pairOf(kv);
  return {
    key: pair.key,
    revision: pair.modRevision,
    pair: type === EventType.DELETE ? undefined : pair,
    ...(asksPrevious ? { previous: prevKv === undefined ? null : pairOf(prevKv) } : {}),
  };
}

const refusals: ReadonlyMap<string, Refusal> = new Map([
  ['etcdserver: requested lease not found', 'leaseNotFound'],
  ['etcdserver: lease already exists', 'leaseExists'],
  ['etcdserver: mvcc: required revision has been compacted', 'compacted'],
  ['etcdserver: mvcc: required revision is a future revision', 'futureRevision'],
]);

/** What an error says about the state of the store; undefined for one that says nothing. */
export function refusalOf(text: string): Refusal | undefined {
  return refusals.get(text);
}

/** Errors that a request without effect gets before anything was proposed. */
const harmless: ReadonlySet<string> = new Set([
  'etcdserver: too many requests',
  'etcdserver: no leader',
  'etcdserver: rpc not supported for learner',
]);

/** Whether an error says that the request certainly has done nothing, though not why the state is to blame. */
export function isHarmless(text: string): boolean {
  return harmless.has(text);
}
