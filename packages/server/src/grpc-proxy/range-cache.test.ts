import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Interval, overlap, RangeCache } from './range-cache.ts';

const answer = Uint8Array.of(1, 2, 3);
let nowMs = 0;

function newCache(): RangeCache {
  return new RangeCache({ maxAgeMs: 10, nowMs: () => nowMs });
}

function single(key: string): Interval {
  return { key, end: '' };
}

describe('the answers that a proxy keeps', () => {
  it('are found by their ids until a write changes them', () => {
    const cache = newCache();
    cache.add('a', single('a'), answer, cache.writes);
    cache.add('a-c', { key: 'a', end: 'c' }, answer, cache.writes);
    cache.add('b-', { key: 'b', end: '\0' }, answer, cache.writes);
    cache.invalidate(single('b'));
    expect([cache.get('a'), cache.get('a-c'), cache.get('b-')]).toEqual([
      answer,
      undefined,
      undefined,
    ]);
    cache.invalidate({ key: '', end: '\0' });
    expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
  });

  it('are not kept when a write may have come between', () => {
    const cache = newCache();
    const before = cache.writes;
    cache.invalidate(single('k'));
    cache.add('k', single('k'), answer, before);
    cache.add('l', single('l'), answer, before);
    expect([cache.get('k'), cache.get('l')]).toEqual([undefined, answer]);
    for (let i = 0; i < 5000; i++) cache.invalidate(single('other'));
    cache.add('m', single('m'), answer, before);
    expect(cache.get('m')).toBeUndefined();
  });

  it('are used for a while only', () => {
    const cache = newCache();
    cache.add('k', single('k'), answer, cache.writes);
    nowMs += 10;
    expect(cache.get('k')).toEqual(answer);
    nowMs += 1;
    expect([cache.get('k'), cache.size]).toEqual([undefined, 0]);
  });

  it('are bounded in count and bytes, and those unused for longest go', () => {
    const cache = newCache();
    for (let i = 0; i < 2048; i++) cache.add(`${i}`, single(`${i}`), answer, cache.writes);
    cache.get('0');
    cache.add('more', single('more'), answer, cache.writes);
    expect([cache.size, cache.get('0'), cache.get('1')]).toEqual([2048, answer, undefined]);
    const large = Buffer.alloc(1024 ** 2);
    for (let i = 0; i < 70; i++) cache.add(`large ${i}`, single(`${i}`), large, cache.writes);
    expect(cache.size).toBe(64);
    cache.add('huge', single('huge'), Buffer.alloc(1024 ** 2 + 1), cache.writes);
    expect(cache.get('huge')).toBeUndefined();
  });

  it('know whether ranges have keys in common', () => {
    const keys = ['', 'a', 'aa', 'b', 'c'];
    const has = ({ key, end }: Interval, one: string) =>
      end === '' ? one === key : one >= key && (end === '\0' || one < end);
    const interval = fc.record({
      key: fc.constantFrom(...keys),
      end: fc.constantFrom('', '\0', 'b', 'c', 'd'),
    });
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        const dense = [...keys, 'a0', 'b0', 'c0', 'd', 'e'];
        const common = dense.some((one) => has(a, one) && has(b, one));
        // Where ranges have a key in common, they have one of these.
        if (common) expect(overlap(a, b)).toBe(true);
        else if (a.end !== '' && a.end !== '\0' && a.end <= a.key) return;
        else if (b.end !== '' && b.end !== '\0' && b.end <= b.key) return;
        else expect(overlap(a, b)).toBe(false);
      }),
    );
  });
});
