import { create, toBinary } from '@bufbuild/protobuf';
import { RangeResponseSchema } from '@kvorum/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import { readRangeAnswer } from './range-answer.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 300 });
const keyValue = fc.record({
  key: bytes,
  value: bytes,
  createRevision: int64,
  modRevision: int64,
  version: int64,
  lease: int64,
});
const answer = fc.record({
  header: fc.record({ clusterId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), revision: int64 }),
  kvs: fc.array(keyValue, { maxLength: 20 }),
  more: fc.boolean(),
  count: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
});

describe('the answer to a range', () => {
  it('is read as the generated code reads it', () => {
    fc.assert(
      fc.property(answer, ({ header, kvs, more, count }) => {
        const message = create(RangeResponseSchema, { header, kvs, more, count });
        expect(readRangeAnswer(toBinary(RangeResponseSchema, message))).toEqual({
          kvs,
          more,
          count: Number(count),
          revision: header.revision,
        });
      }),
    );
  });

  it('may hold fields that came later', () => {
    const { header, kvs } = { header: { revision: 7n }, kvs: [{ key: Uint8Array.of(1) }] };
    const known = toBinary(RangeResponseSchema, create(RangeResponseSchema, { header, kvs }));
    const later = Uint8Array.of(
      0x78,
      1,
      0x7a,
      2,
      8,
      8,
      0x7d,
      1,
      2,
      3,
      4,
      0x79,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    );
    expect(readRangeAnswer(new Uint8Array([...later, ...known, ...later]))).toEqual(
      readRangeAnswer(known),
    );
  });

  it('is refused with an error of this package, whatever bytes it has', () => {
    const mutated = fc.tuple(answer, fc.nat(), fc.nat(255)).map(([{ kvs }, at, byte]) => {
      const bytes = toBinary(RangeResponseSchema, create(RangeResponseSchema, { kvs }));
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
    let refusals = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (input) => {
        try {
          readRangeAnswer(input);
        } catch (error) {
          expect(error).toBeInstanceOf(ClientError);
          refusals++;
        }
      }),
      { numRuns: 2000 },
    );
    expect(refusals).toBeGreaterThan(100);
  });
});
