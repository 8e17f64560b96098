import { describe, expect, it } from 'vitest';
import { H2Error } from './errors.ts';
import { defaultLimits, resolveLimits } from './limits.ts';

describe('limits', () => {
  it('are the defaults where nothing else was chosen', () => {
    expect(resolveLimits({ maxFrameBytes: 20_000 })).toEqual({
      ...defaultLimits,
      maxFrameBytes: 20_000,
    });
  });

  it.each([
    { maxFrameBytes: 100 },
    { maxFrameBytes: 2 ** 24 },
    { streamWindowBytes: 2 ** 31 },
    { connectionWindowBytes: 1000 },
    { resetBurst: -1 },
    { closeTimeoutMs: Number.NaN },
  ])('that cannot work are refused: %o', (chosen) => {
    expect(() => resolveLimits(chosen)).toThrow(H2Error);
  });
});
