import type { PackedRangeResult, RangeResult } from '@kvorum/mvcc';
import { ProtoWriter, varintSize } from './proto-writer.ts';

/** What a put did: the revision it made and, where asked for, the pair it replaced. */
export interface PutResult {
  readonly kind: 'put';
  readonly revision: number;
  /** mvccpb.KeyValue wire. */
  readonly prev: Uint8Array | undefined;
}

export interface DeleteRangeResult {
  readonly kind: 'deleteRange';
  readonly revision: number;
  readonly deleted: number;
  /** mvccpb.KeyValue wire, in key order; empty unless asked for. */
  readonly prevKvs: readonly Uint8Array[];
}

export interface RangeOpResult {
  readonly kind: 'range';
  readonly revision: number;
  readonly range: RangeResult;
}

export interface TxnResult {
  readonly kind: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly OpResult[];
}

export type OpResult = PutResult | DeleteRangeResult | RangeOpResult | TxnResult;

const writer = new ProtoWriter(65_536);

/** etcdserverpb.PutResponse behind an encoded header field. */
export function encodePutResponse(header: Uint8Array, result: PutResult): Uint8Array {
  if (result.prev === undefined) return header;
  return writer.raw(header).bytes(0x12, result.prev).take();
}

export function encodeDeleteRangeResponse(
  header: Uint8Array,
  result: DeleteRangeResult,
): Uint8Array {
  writer.raw(header);
  writeDeleteRange(writer, result);
  return writer.take();
}

/**
 * etcdserverpb.RangeResponse behind an encoded header field. Stored pairs are spliced in, not decoded; what is returned
 * is one buffer of the caller's.
 */
export function encodeRangeResponse(
  header: Uint8Array,
  range: RangeResult | PackedRangeResult,
): Uint8Array {
  const kvsSize = 'parts' in range ? packedSize(range) : pairsSize(range);
  const body = Buffer.allocUnsafe(header.length + kvsSize + tailSize(range));
  body.set(header, 0);
  let pos = header.length;
  pos = 'parts' in range ? putPacked(body, pos, range) : putPairs(body, pos, range);
  if (range.more) {
    body[pos++] = 0x18;
    body[pos++] = 1;
  }
  if (range.count !== 0) {
    body[pos++] = 0x20;
    putVarint(body, pos, range.count);
  }
  return body;
}

/** etcdserverpb.TxnResponse behind an encoded header field. */
export function encodeTxnResponse(header: Uint8Array, result: TxnResult): Uint8Array {
  writer.raw(header);
  writeTxnBody(writer, result);
  return writer.take();
}

function packedSize({ parts }: PackedRangeResult): number {
  let size = 0;
  for (const { start, end } of parts) size += end - start;
  return size;
}

function putPacked(body: Buffer, start: number, { parts }: PackedRangeResult): number {
  let pos = start;
  for (const part of parts) {
    body.set(part.bytes.subarray(part.start, part.end), pos);
    pos += part.end - part.start;
  }
  return pos;
}

function pairsSize({ kvs }: RangeResult): number {
  let size = 0;
  for (const kv of kvs) size += 1 + varintSize(kv.length) + kv.length;
  return size;
}

function putPairs(body: Buffer, start: number, { kvs }: RangeResult): number {
  let pos = start;
  for (const kv of kvs) {
    body[pos++] = 0x12;
    pos = putVarint(body, pos, kv.length);
    body.set(kv, pos);
    pos += kv.length;
  }
  return pos;
}

function tailSize({ more, count }: RangeResult | PackedRangeResult): number {
  return (more ? 2 : 0) + (count === 0 ? 0 : 1 + varintSize(count));
}

function putVarint(buffer: Buffer, start: number, value: number): number {
  let pos = start;
  let rest = value;
  while (rest >= 0x80) {
    buffer[pos++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  buffer[pos++] = rest;
  return pos;
}

function writeDeleteRange(out: ProtoWriter, result: DeleteRangeResult): void {
  if (result.deleted !== 0) out.tag(0x10).uint(result.deleted);
  for (const kv of result.prevKvs) out.bytes(0x1a, kv);
}

function writeTxnBody(out: ProtoWriter, result: TxnResult): void {
  if (result.succeeded) out.tag(0x10).uint(1);
  for (const response of result.responses) out.bytes(0x1a, encodeOp(response));
}

/** For what is inside a transaction, empty between two operations. */
const opWriter = new ProtoWriter(4096);
const headerWriter = new ProtoWriter(32);

/** A ResponseOp: headers inside a transaction carry the revision alone, those of nested ones nothing. */
function encodeOp(result: OpResult): Uint8Array {
  switch (result.kind) {
    case 'range': {
      const body = encodeRangeResponse(revisionHeader(result.revision), result.range);
      return Buffer.concat([opWriter.tag(0x0a).uint(body.length).take(), body]);
    }
    case 'put':
      opWriter.raw(revisionHeader(result.revision));
      if (result.prev !== undefined) opWriter.bytes(0x12, result.prev);
      return takeOp(0x12);
    case 'deleteRange':
      opWriter.raw(revisionHeader(result.revision));
      writeDeleteRange(opWriter, result);
      return takeOp(0x1a);
    case 'txn': {
      const responses = result.responses.map(encodeOp);
      opWriter.tag(0x0a).uint(0);
      if (result.succeeded) opWriter.tag(0x10).uint(1);
      for (const response of responses) opWriter.bytes(0x1a, response);
      return takeOp(0x22);
    }
  }
}

/** What was written, as the field of a ResponseOp. */
function takeOp(tag: number): Uint8Array {
  const body = opWriter.take();
  return opWriter.bytes(tag, body).take();
}

function revisionHeader(revision: number): Uint8Array {
  const header = headerWriter.tag(0x18).uint(revision).take();
  return headerWriter.bytes(0x0a, header).take();
}
