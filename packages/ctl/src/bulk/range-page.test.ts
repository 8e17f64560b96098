import { create, toBinary } from '@bufbuild/protobuf';
import { RangeResponseSchema } from '@kvorum/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RangePage } from './range-page.ts';

const revision = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });

const keyValue = fc.record({
  key: fc.uint8Array({ maxLength: 200 }),
  value: fc.uint8Array({ maxLength: 300 }),
  createRevision: revision,
  modRevision: revision,
  version: revision,
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

it('a page holds what the generated decoder finds in the same bytes', () => {
  fc.assert(
    fc.property(fc.array(keyValue), revision, fc.boolean(), revision, (kvs, at, more, count) => {
      const response = create(RangeResponseSchema, {
        header: { clusterId: 2n ** 64n - 1n, revision: at, raftTerm: 7n },
        kvs,
        more,
        count,
      });
      const page = new RangePage(toBinary(RangeResponseSchema, response));
      expect([page.revision, page.more, page.count]).toEqual([Number(at), more, Number(count)]);
      expect(
        [...page].map((one) => ({ ...one, key: [...one.key], value: [...one.value] })),
      ).toEqual(
        kvs.map((one) => ({
          key: [...one.key],
          value: [...one.value],
          createRevision: Number(one.createRevision),
          modRevision: Number(one.modRevision),
          version: Number(one.version),
          lease: one.lease,
        })),
      );
    }),
  );
});
