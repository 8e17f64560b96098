import type { RangeResult } from '@kvorum/mvcc';
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
export function encodeRangeResponse(header: Uint8Array, range: RangeResult): Uint8Array {
  const body = Buffer.allocUnsafe(header.length + rangeSize(range));
  body.set(header, 0);
  let pos = header.length;
  for (const kv of range.kvs) {
    body[pos++] = 0x12;
    pos = putVarint(body, pos, kv.length);
    body.set(kv, pos);
    pos += kv.length;
  }
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

function rangeSize(range: RangeResult): number {
  let size = 0;
  for (const kv of range.kvs) size += 1 + varintSize(kv.length) + kv.length;
  if (range.more) size += 2;
  if (range.count !== 0) size += 1 + varintSize(range.count);
  return size;
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

/** A ResponseOp: headers inside a transaction carry the revision alone, those of nested ones nothing. */
function encodeOp(result: OpResult): Uint8Array {
  if (result.kind === 'range') {
    const body = encodeRangeResponse(revisionHeader(result.revision), result.range);
    return new ProtoWriter(body.length + 16).bytes(0x0a, body).take();
  }
  const out = new ProtoWriter(256);
  const body = new ProtoWriter(256);
  switch (result.kind) {
    case 'put':
      body.raw(revisionHeader(result.revision));
      if (result.prev !== undefined) body.bytes(0x12, result.prev);
      return out.bytes(0x12, body.take()).take();
    case 'deleteRange':
      body.raw(revisionHeader(result.revision));
      writeDeleteRange(body, result);
      return out.bytes(0x1a, body.take()).take();
    case 'txn':
      body.tag(0x0a).uint(0);
      writeTxnBody(body, result);
      return out.bytes(0x22, body.take()).take();
  }
}

function revisionHeader(revision: number): Uint8Array {
  const header = new ProtoWriter(16).tag(0x18).uint(revision).take();
  return new ProtoWriter(24).bytes(0x0a, header).take();
}
