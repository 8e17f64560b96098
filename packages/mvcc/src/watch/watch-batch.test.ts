import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvents } from './testing/decode-events.ts';
import { MemorySource } from './testing/memory-source.ts';
import { WatchBatch } from './watch-batch.ts';

describe('WatchBatch', () => {
  it('has the bytes of WatchResponse.events', () => {
    const source = new MemorySource();
    source.commit([['k', 'v']]);
    source.commit([['k', undefined]]);
    const previous = source.events.map((event) => event.prev);
    const batch = new WatchBatch(source.events, previous, 9);
    const put = '0a016b 1002 1802 2001 2a0176';
    const hex = `5a0e 120c ${put}  5a17 0801 1205 0a016b 1803 1a0c ${put}`;
    expect(Buffer.from(batch.body).toString('hex')).toBe(hex.replaceAll(' ', ''));
    expect(batch).toMatchObject({
      firstRevision: 2,
      lastRevision: 3,
      headerRevision: 9,
      eventCount: 2,
    });
  });

  it('encodes events and lengths of any size', () => {
    for (const size of [0, 100, 127, 128, 16_383, 16_384, 2_100_000]) {
      const source = new MemorySource();
      source.commit([['key', 'x'.repeat(size)]]);
      const [event] = decodeEvents(new WatchBatch(source.events, undefined, 2).body);
      expect(event?.value.length).toBe(size);
    }
  });

  it('splits between events only, never over the limit unless an event is larger alone', () => {
    const sizes = fc.array(fc.nat(300), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 1000 }), (values, maxBytes) => {
        const source = new MemorySource();
        source.commit(values.map((size, n) => [`k${n}`, 'x'.repeat(size)] as const));
        const { body } = new WatchBatch(source.events, undefined, 2);
        const parts = new WatchBatch(source.events, undefined, 2).split(maxBytes);
        expect(Buffer.concat(parts).equals(body)).toBe(true);
        const counts = parts.map((part) => decodeEvents(part).length);
        for (const [index, part] of parts.entries()) {
          expect(part.length <= maxBytes || counts[index] === 1).toBe(true);
        }
        // No part could have taken the first event of the next one.
        for (let i = 0; i + 1 < parts.length; i += 1) {
          const first = new WatchBatch(
            [source.events[sum(counts.slice(0, i + 1))]].flatMap((event) => event ?? []),
            undefined,
            2,
          );
          expect((parts[i]?.length ?? 0) + first.body.length).toBeGreaterThan(maxBytes);
        }
      }),
    );
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
