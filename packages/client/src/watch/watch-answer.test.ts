import { create, toBinary } from '@bufbuild/protobuf';
import { Event_EventType as EventType, WatchResponseSchema } from '@kvorum/api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readWatchAnswer } from './watch-answer.ts';
import { listed } from './watch-event.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const keyValue = fc.record({
  key: fc.uint8Array(),
  value: fc.uint8Array(),
  createRevision: int64,
  modRevision: int64,
  version: int64,
  lease: int64,
});
const answer = fc.record({
  revision: int64,
  watchId: int64,
  created: fc.boolean(),
  canceled: fc.boolean(),
  compactRevision: int64,
  cancelReason: fc.string({ unit: 'grapheme' }),
  fragment: fc.boolean(),
  events: fc.array(
    fc.record({
      isDelete: fc.boolean(),
      kv: keyValue,
      prevKv: fc.option(keyValue, { nil: undefined }),
    }),
  ),
});

it('the answer to a watch is read as the generated code writes it', () => {
  fc.assert(
    fc.property(answer, (wanted) => {
      const { revision, events, ...rest } = wanted;
      const message = create(WatchResponseSchema, {
        ...rest,
        header: { revision },
        events: events.map(({ isDelete, kv, prevKv }) => ({
          type: isDelete ? EventType.DELETE : EventType.PUT,
          kv,
          ...(prevKv === undefined ? {} : { prevKv }),
        })),
      });
      const bytes = toBinary(WatchResponseSchema, message);
      const { events: packed, byteLength, ...read } = readWatchAnswer(bytes);
      expect({ ...read, events: listed(packed) }).toEqual(wanted);
      expect(byteLength).toBe(bytes.length);
    }),
  );
});
