import { ProtoError, ProtoReader } from './proto-reader.ts';

const EMPTY = new Uint8Array(0);

/** How deep transactions may be nested before a request is refused; the op limit stops sane ones far earlier. */
export const MAX_TXN_DEPTH = 64;

/** A decoded etcdserverpb.RangeRequest. Byte fields are views into the request. */
export class RangeRequest {
  readonly kind = 'range';
  key: Uint8Array = EMPTY;
  rangeEnd: Uint8Array = EMPTY;
  /** Keys at most; 0 or less means all. */
  limit = 0;
  /** Revision to read at; 0 or less means the latest. */
  revision = 0;
  sortOrder = 0;
  sortTarget = 0;
  serializable = false;
  keysOnly = false;
  countOnly = false;
  minModRevision = 0;
  maxModRevision = 0;
  minCreateRevision = 0;
  maxCreateRevision = 0;
}

/** A decoded etcdserverpb.PutRequest. Byte fields are views into the request. */
export class PutRequest {
  readonly kind = 'put';
  key: Uint8Array = EMPTY;
  value: Uint8Array = EMPTY;
  lease = 0n;
  prevKv = false;
  ignoreValue = false;
  ignoreLease = false;
}

/** A decoded etcdserverpb.DeleteRangeRequest. */
export class DeleteRangeRequest {
  readonly kind = 'deleteRange';
  key: Uint8Array = EMPTY;
  rangeEnd: Uint8Array = EMPTY;
  prevKv = false;
}

/** etcdserverpb.Compare.CompareResult by number. */
export const COMPARE_EQUAL = 0;
export const COMPARE_GREATER = 1;
export const COMPARE_LESS = 2;
export const COMPARE_NOT_EQUAL = 3;

/** etcdserverpb.Compare.CompareTarget by number. */
export const TARGET_VERSION = 0;
export const TARGET_CREATE = 1;
export const TARGET_MOD = 2;
export const TARGET_VALUE = 3;
export const TARGET_LEASE = 4;

/** A decoded etcdserverpb.Compare. Only the operand that fits `target` counts; the others stay 0 or empty. */
export class Compare {
  result = COMPARE_EQUAL;
  target = TARGET_VERSION;
  key: Uint8Array = EMPTY;
  rangeEnd: Uint8Array = EMPTY;
  version = 0;
  createRevision = 0;
  modRevision = 0;
  value: Uint8Array = EMPTY;
  lease = 0n;
}

/** One operation of a transaction; `undefined` stands for a RequestOp with nothing set. */
export type RequestOp = RangeRequest | PutRequest | DeleteRangeRequest | TxnRequest | undefined;

/** A decoded etcdserverpb.TxnRequest. */
export class TxnRequest {
  readonly kind = 'txn';
  readonly compare: Compare[] = [];
  readonly success: RequestOp[] = [];
  readonly failure: RequestOp[] = [];
}

/** Decodes a RangeRequest. Throws `ProtoError` on malformed bytes, as all decoders here do. */
export function decodeRange(bytes: Uint8Array): RangeRequest {
  return readRange(new ProtoReader(bytes));
}

export function decodePut(bytes: Uint8Array): PutRequest {
  return readPut(new ProtoReader(bytes));
}

export function decodeDeleteRange(bytes: Uint8Array): DeleteRangeRequest {
  return readDeleteRange(new ProtoReader(bytes));
}

export function decodeTxn(bytes: Uint8Array): TxnRequest {
  return readTxn(new ProtoReader(bytes), 0);
}

function readRange(reader: ProtoReader): RangeRequest {
  const request = new RangeRequest();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        request.key = reader.bytes();
        break;
      case 2:
        request.rangeEnd = reader.bytes();
        break;
      case 3:
        request.limit = reader.int64Number();
        break;
      case 4:
        request.revision = reader.int64Number();
        break;
      case 5:
        request.sortOrder = reader.enumValue();
        break;
      case 6:
        request.sortTarget = reader.enumValue();
        break;
      case 7:
        request.serializable = reader.bool();
        break;
      case 8:
        request.keysOnly = reader.bool();
        break;
      case 9:
        request.countOnly = reader.bool();
        break;
      case 10:
        request.minModRevision = reader.int64Number();
        break;
      case 11:
        request.maxModRevision = reader.int64Number();
        break;
      case 12:
        request.minCreateRevision = reader.int64Number();
        break;
      case 13:
        request.maxCreateRevision = reader.int64Number();
        break;
      default:
        reader.skip();
    }
  }
  return request;
}

function readPut(reader: ProtoReader): PutRequest {
  const request = new PutRequest();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        request.key = reader.bytes();
        break;
      case 2:
        request.value = reader.bytes();
        break;
      case 3:
        request.lease = reader.int64();
        break;
      case 4:
        request.prevKv = reader.bool();
        break;
      case 5:
        request.ignoreValue = reader.bool();
        break;
      case 6:
        request.ignoreLease = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return request;
}

function readDeleteRange(reader: ProtoReader): DeleteRangeRequest {
  const request = new DeleteRangeRequest();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.key = reader.bytes();
    else if (field === 2) request.rangeEnd = reader.bytes();
    else if (field === 3) request.prevKv = reader.bool();
    else reader.skip();
  }
  return request;
}

function readCompare(reader: ProtoReader): Compare {
  const compare = new Compare();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        compare.result = reader.enumValue();
        break;
      case 2:
        compare.target = reader.enumValue();
        break;
      case 3:
        compare.key = reader.bytes();
        break;
      case 64:
        compare.rangeEnd = reader.bytes();
        break;
      default:
        readOperand(reader, field, compare);
    }
  }
  return compare;
}

/** The operands are a oneof: the last one on the wire replaces those before it. */
function readOperand(reader: ProtoReader, field: number, compare: Compare): void {
  if (field < 4 || field > 8) {
    reader.skip();
    return;
  }
  compare.version = 0;
  compare.createRevision = 0;
  compare.modRevision = 0;
  compare.value = EMPTY;
  compare.lease = 0n;
  if (field === 4) compare.version = reader.int64Number();
  else if (field === 5) compare.createRevision = reader.int64Number();
  else if (field === 6) compare.modRevision = reader.int64Number();
  else if (field === 7) compare.value = reader.bytes();
  else compare.lease = reader.int64();
}

function readTxn(reader: ProtoReader, depth: number): TxnRequest {
  if (depth > MAX_TXN_DEPTH) throw new ProtoError('transactions are nested too deep');
  const request = new TxnRequest();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.compare.push(readCompare(reader.message()));
    else if (field === 2) request.success.push(readOp(reader.message(), depth));
    else if (field === 3) request.failure.push(readOp(reader.message(), depth));
    else reader.skip();
  }
  return request;
}

function readOp(reader: ProtoReader, depth: number): RequestOp {
  let op: RequestOp;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) op = readRange(reader.message());
    else if (field === 2) op = readPut(reader.message());
    else if (field === 3) op = readDeleteRange(reader.message());
    else if (field === 4) op = readTxn(reader.message(), depth + 1);
    else reader.skip();
  }
  return op;
}
