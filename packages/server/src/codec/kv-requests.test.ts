import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  CompareSchema,
  DeleteRangeRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  RequestOpSchema,
  type TxnRequest as TxnMessage,
  TxnRequestSchema,
} from '@kvorum/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Compare,
  decodeDeleteRange,
  decodePut,
  decodeRange,
  decodeTxn,
  MAX_TXN_DEPTH,
  type RequestOp,
  type TxnRequest,
} from './kv-requests.ts';
import { ProtoError } from './proto-reader.ts';

const bytes = fc.uint8Array({ maxLength: 20 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const revision = fc.maxSafeInteger();
/** Compares hold numbers exactly up to 2^53, and no revision or version is higher. */
const operand = fc.maxSafeInteger().map(BigInt);

const rangeFields = fc.record({
  key: bytes,
  rangeEnd: bytes,
  limit: revision,
  revision,
  sortOrder: fc.integer({ min: 0, max: 2 }),
  sortTarget: fc.integer({ min: 0, max: 4 }),
  serializable: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: revision,
  maxModRevision: revision,
  minCreateRevision: revision,
  maxCreateRevision: revision,
});
const putFields = fc.record({
  key: bytes,
  value: bytes,
  lease: int64,
  prevKv: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
});
const deleteFields = fc.record({ key: bytes, rangeEnd: bytes, prevKv: fc.boolean() });

/** The numbers that the generated code has as bigint. */
function toMessage(fields: object) {
  const entries = Object.entries(fields).map(([name, value]) =>
    typeof value === 'number' && !name.startsWith('sort') ? [name, BigInt(value)] : [name, value],
  );
  return Object.fromEntries(entries);
}

describe('the hand-written decoders', () => {
  it('read ranges as the generated code writes them', () => {
    fc.assert(
      fc.property(rangeFields, (fields) => {
        const wire = toBinary(RangeRequestSchema, create(RangeRequestSchema, toMessage(fields)));
        expect({ ...decodeRange(wire) }).toEqual({ kind: 'range', ...fields });
      }),
    );
  });

  it('read puts as the generated code writes them', () => {
    fc.assert(
      fc.property(putFields, (fields) => {
        const wire = toBinary(PutRequestSchema, create(PutRequestSchema, fields));
        expect({ ...decodePut(wire) }).toEqual({ kind: 'put', ...fields });
      }),
    );
  });

  it('read deletes as the generated code writes them', () => {
    fc.assert(
      fc.property(deleteFields, (fields) => {
        const wire = toBinary(DeleteRangeRequestSchema, create(DeleteRangeRequestSchema, fields));
        expect({ ...decodeDeleteRange(wire) }).toEqual({ kind: 'deleteRange', ...fields });
      }),
    );
  });

  it('read nested transactions as the generated code writes them', () => {
    fc.assert(
      fc.property(txnArbitrary(2), (message) => {
        const decoded = decodeTxn(toBinary(TxnRequestSchema, message));
        expect(summaryOf(decoded)).toEqual(summaryOfMessage(message));
      }),
    );
  });

  it('refuse with ProtoError, and nothing else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (wire) => {
        for (const decode of [decodeRange, decodePut, decodeDeleteRange, decodeTxn]) {
          try {
            decode(wire);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtoError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse transactions nested beyond the limit', () => {
    let wire: Uint8Array = toBinary(TxnRequestSchema, create(TxnRequestSchema, {}));
    for (let depth = 0; depth <= MAX_TXN_DEPTH; depth++) wire = nest(wire);
    expect(() => decodeTxn(wire)).toThrow(ProtoError);
  });
});

/** Wraps an encoded transaction as the only operation of another one. */
function nest(inner: Uint8Array): Uint8Array {
  const op = Buffer.concat([tagged(0x22, inner.length), inner]);
  return Buffer.concat([tagged(0x12, op.length), op]);
}

function tagged(tag: number, size: number): Buffer {
  const head = [tag];
  let rest = size;
  for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Buffer.from([...head, rest]);
}

function txnArbitrary(depth: number): fc.Arbitrary<TxnMessage> {
  const leaf = fc.oneof(
    rangeFields.map((fields) =>
      create(RequestOpSchema, {
        request: { case: 'requestRange', value: create(RangeRequestSchema, toMessage(fields)) },
      }),
    ),
    putFields.map((fields) =>
      create(RequestOpSchema, {
        request: { case: 'requestPut', value: create(PutRequestSchema, fields) },
      }),
    ),
    deleteFields.map((fields) =>
      create(RequestOpSchema, {
        request: { case: 'requestDeleteRange', value: create(DeleteRangeRequestSchema, fields) },
      }),
    ),
  );
  const op =
    depth === 0
      ? leaf
      : fc.oneof(
          leaf,
          txnArbitrary(depth - 1).map((value) =>
            create(RequestOpSchema, { request: { case: 'requestTxn', value } }),
          ),
        );
  const compare = fc
    .record({
      result: fc.integer({ min: 0, max: 3 }),
      key: bytes,
      rangeEnd: bytes,
      targetUnion: fc.oneof(
        fc.record({ case: fc.constant('version' as const), value: operand }),
        fc.record({ case: fc.constant('modRevision' as const), value: operand }),
        fc.record({ case: fc.constant('value' as const), value: bytes }),
        fc.record({ case: fc.constant('lease' as const), value: int64 }),
      ),
    })
    .map((fields) => create(CompareSchema, fields as MessageInitShape<typeof CompareSchema>));
  return fc
    .record({
      compare: fc.array(compare, { maxLength: 3 }),
      success: fc.array(op, { maxLength: 3 }),
      failure: fc.array(op, { maxLength: 3 }),
    })
    .map((fields) => create(TxnRequestSchema, fields));
}

/** What both forms must agree on, in plain values. */
function summaryOf(txn: TxnRequest): unknown {
  return {
    compare: txn.compare.map((compare: Compare) => [
      compare.result,
      Buffer.from(compare.key).toString('hex'),
      Buffer.from(compare.rangeEnd).toString('hex'),
      compare.version + compare.modRevision,
      Buffer.from(compare.value).toString('hex'),
      compare.lease,
    ]),
    success: txn.success.map(opSummary),
    failure: txn.failure.map(opSummary),
  };
}

function opSummary(op: RequestOp): unknown {
  if (op === undefined) return undefined;
  return op.kind === 'txn' ? summaryOf(op) : [op.kind, Buffer.from(op.key).toString('hex')];
}

function summaryOfMessage(txn: TxnMessage): unknown {
  const kinds = {
    requestRange: 'range',
    requestPut: 'put',
    requestDeleteRange: 'deleteRange',
  } as const;
  const ofOp = ({ request }: TxnMessage['success'][number]): unknown => {
    if (request.case === undefined) return undefined;
    if (request.case === 'requestTxn') return summaryOfMessage(request.value);
    return [kinds[request.case], Buffer.from(request.value.key).toString('hex')];
  };
  return {
    compare: txn.compare.map(({ result, key, rangeEnd, targetUnion }) => [
      result,
      Buffer.from(key).toString('hex'),
      Buffer.from(rangeEnd).toString('hex'),
      targetUnion.case === 'version' || targetUnion.case === 'modRevision'
        ? Number(targetUnion.value)
        : 0,
      targetUnion.case === 'value' ? Buffer.from(targetUnion.value).toString('hex') : '',
      targetUnion.case === 'lease' ? targetUnion.value : 0n,
    ]),
    success: txn.success.map(ofOp),
    failure: txn.failure.map(ofOp),
  };
}
