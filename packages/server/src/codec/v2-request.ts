import { ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';

/** A change of the v2 keys: etcdserverpb.Request, which etcd had in its log until 3.6. */
export interface V2Request {
  readonly kind: 'v2';
  /** SYNC lets expire what is due at `timeNs`. */
  readonly method: 'POST' | 'PUT' | 'DELETE' | 'SYNC';
  /** In the v2 store, `/1/foo` for the key `/foo`. A text of bytes, as the values are. */
  readonly path: string;
  readonly value: string;
  readonly isDir: boolean;
  /** Empty for none. */
  readonly prevValue: string;
  /** 0n for none. */
  readonly prevIndex: bigint;
  readonly prevExist: boolean | undefined;
  /** Nanoseconds since 1970; 0n for none. */
  readonly expirationNs: bigint;
  readonly isRecursive: boolean;
  /** When it was proposed, by the clock of the member that did: what is left of a TTL counts from here. */
  readonly timeNs: bigint;
  readonly isRefresh: boolean;
}

/** Tag of it inside etcdserverpb.InternalRaftRequest. */
export const V2_TAG = (2 << 3) | 2;

const METHODS = ['POST', 'PUT', 'DELETE', 'SYNC'] as const;

/** The request of a method with nothing but defaults. */
export function v2Request(
  method: V2Request['method'],
  fields: Partial<Omit<V2Request, 'kind' | 'method'>>,
): V2Request {
  return {
    kind: 'v2',
    method,
    path: '',
    value: '',
    isDir: false,
    prevValue: '',
    prevIndex: 0n,
    prevExist: undefined,
    expirationNs: 0n,
    isRecursive: false,
    timeNs: 0n,
    isRefresh: false,
    ...fields,
  };
}

export function encodeV2Request(request: V2Request): Buffer {
  const out = new ProtoWriter(256);
  out.text(0x12, request.method);
  bytes(out, 0x1a, request.path);
  bytes(out, 0x22, request.value);
  flag(out, 0x28, request.isDir);
  bytes(out, 0x32, request.prevValue);
  integer(out, 0x38, request.prevIndex);
  if (request.prevExist !== undefined) out.tag(0x40).uint(request.prevExist ? 1 : 0);
  integer(out, 0x48, request.expirationNs);
  flag(out, 0x60, request.isRecursive);
  integer(out, 0x78, request.timeNs);
  flag(out, (17 << 3) | 0, request.isRefresh);
  return out.take();
}

/** Undefined for one that changes nothing, such as etcd's QGET. */
export function decodeV2Request(encoded: Uint8Array): V2Request | undefined {
  const reader = new ProtoReader(encoded);
  const fields: { -readonly [name in keyof V2Request]?: V2Request[name] } = {};
  let method = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) method = textOf(reader.bytes());
    else if (field === 3) fields.path = textOf(reader.bytes());
    else if (field === 4) fields.value = textOf(reader.bytes());
    else if (field === 5) fields.isDir = reader.bool();
    else if (field === 6) fields.prevValue = textOf(reader.bytes());
    else if (field === 7) fields.prevIndex = BigInt.asUintN(64, reader.int64());
    else if (field === 8) fields.prevExist = reader.bool();
    else if (field === 9) fields.expirationNs = BigInt.asIntN(64, reader.int64());
    else if (field === 12) fields.isRecursive = reader.bool();
    else if (field === 15) fields.timeNs = BigInt.asIntN(64, reader.int64());
    else if (field === 17) fields.isRefresh = reader.bool();
    else reader.skip();
  }
  const known = METHODS.find((name) => name === method);
  return known === undefined ? undefined : v2Request(known, fields);
}

function bytes(out: ProtoWriter, tag: number, text: string): void {
  if (text !== '') out.bytes(tag, Buffer.from(text, 'latin1'));
}

function flag(out: ProtoWriter, tag: number, isSet: boolean): void {
  if (isSet) out.tag(tag).uint(1);
}

function integer(out: ProtoWriter, tag: number, value: bigint): void {
  if (value !== 0n) out.tag(tag).int64(value);
}

function textOf(view: Uint8Array): string {
  return Buffer.from(view.buffer, view.byteOffset, view.length).toString('latin1');
}
