import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  escapeKey,
  historyEndOf,
  historyKeyOf,
  historySeekKey,
  keyOfHistoryKey,
  mainOfHistoryKey,
  subOfHistoryKey,
} from './history-key.ts';

const key = fc
  .array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 5 })
  .map((bytes) => Uint8Array.from(bytes));
const version = fc.record({
  key,
  main: fc.oneof(fc.nat(5), fc.maxSafeNat()),
  sub: fc.oneof(fc.nat(3), fc.nat(0xffff_ffff)),
});

describe('history keys', () => {
  it('sort by key, then newest first', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const byParts = Buffer.compare(a.key, b.key) || b.main - a.main || b.sub - a.sub;
        const byBytes = Buffer.compare(
          historyKeyOf(a.key, a.main, a.sub),
          historyKeyOf(b.key, b.main, b.sub),
        );
        expect(Math.sign(byBytes)).toBe(Math.sign(byParts));
      }),
      { numRuns: 1000 },
    );
  });

  it('tell what they were made of', () => {
    fc.assert(
      fc.property(version, ({ key, main, sub }) => {
        const historyKey = historyKeyOf(key, main, sub);
        expect(Buffer.compare(keyOfHistoryKey(historyKey), key)).toBe(0);
        expect(mainOfHistoryKey(historyKey)).toBe(main);
        expect(subOfHistoryKey(historyKey)).toBe(sub);
      }),
    );
  });

  it('lie between the bounds of their key, and other keys outside', () => {
    fc.assert(
      fc.property(key, version, (bound, { key, main, sub }) => {
        const historyKey = historyKeyOf(key, main, sub);
        const inside =
          Buffer.compare(historyKey, escapeKey(bound)) >= 0 &&
          Buffer.compare(historyKey, historyEndOf(bound)) < 0;
        expect(inside).toBe(Buffer.compare(key, bound) === 0);
        const below = Buffer.compare(historyKey, escapeKey(bound)) < 0;
        expect(below).toBe(Buffer.compare(key, bound) < 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('are sought from the newest version that is not above a revision', () => {
    const a = Buffer.from('a');
    expect(Buffer.compare(historySeekKey(a, 7), historyKeyOf(a, 7, 9))).toBe(-1);
    expect(Buffer.compare(historySeekKey(a, 7), historyKeyOf(a, 8, 0))).toBe(1);
  });
});
