import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  it('allows a burst, and then so many a second', () => {
    const bucket = new TokenBucket(10, 5, 0);
    const taken = (nowMs: number): number => {
      let count = 0;
      while (count < 100 && bucket.take(nowMs)) count += 1;
      return count;
    };
    expect(taken(0)).toBe(10);
    expect(taken(100)).toBe(0);
    expect(taken(1100)).toBe(5);
    expect(taken(1_000_000)).toBe(10);
  });
});
