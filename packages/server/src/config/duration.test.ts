import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDurationMs } from './duration.ts';

describe('parseDurationMs', () => {
  it.each([
    ['0', 0],
    ['5s', 5000],
    ['100ms', 100],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['-2m', -120_000],
    ['+1us', 0.001],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['250000ns', 0.25],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['', '5', 's', '1x', '1s ', '1 s', '--1s', '1s2', 'abc', '.s'])(
    'refuses %j as Go does',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );

  it('adds up the terms it is made of', () => {
    const part = fc.nat({ max: 1000 });
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        expect(parseDurationMs(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1000);
      }),
    );
  });
});
