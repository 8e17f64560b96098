import { describe, expect, it } from 'vitest';

import { BlockCache } from './block-cache.ts';
import { PackedBlock } from './packed-block.ts';

function block(lo: string, hi: string | undefined, size = 0): PackedBlock {
  return new PackedBlock(lo, hi, new Uint8Array(size), new Uint32Array(1));
}

function boundsIn(cache: BlockCache, lo: string, hi?: string): string[] {
  return cache.inRange({ lo, hi, single: false }).map((one) => `${one.lo}-${one.hi ?? ''}`);
}

describe('the cache of blocks', () => {
  it('gives the blocks that a range touches, in order', () => {
    const cache = new BlockCache(100_000);
    for (const [lo, hi] of [
      ['m', 'p'],
      ['c', 'f'],
      ['p', undefined],
      ['f', 'h'],
    ] as const) {
      cache.add(block(lo, hi));
    }
    expect(boundsIn(cache, '')).toEqual(['c-f', 'f-h', 'm-p', 'p-']);
    expect(boundsIn(cache, 'f')).toEqual(['f-h', 'm-p', 'p-']);
    expect(boundsIn(cache, 'd', 'n')).toEqual(['c-f', 'f-h', 'm-p']);
    expect(boundsIn(cache, 'h', 'm')).toEqual([]);
    expect(boundsIn(cache, 'x', 'z')).toEqual(['p-']);
  });

  it('keeps one block for each key', () => {
    const cache = new BlockCache(100_000);
    cache.add(block('c', 'f'));
    for (const [lo, hi] of [
      ['a', 'd'],
      ['d', 'e'],
      ['e', 'z'],
      ['a', undefined],
    ] as const) {
      cache.add(block(lo, hi));
    }
    expect(boundsIn(cache, '')).toEqual(['c-f']);
  });

  it('forgets the block of a key that has changed, and no other', () => {
    const cache = new BlockCache(100_000);
    for (const [lo, hi] of [
      ['c', 'f'],
      ['f', 'h'],
      ['m', undefined],
    ] as const) {
      cache.add(block(lo, hi));
    }
    for (const keyText of ['b', 'h', 'l']) cache.forget(keyText);
    expect(cache.size).toBe(3);
    cache.forget('f');
    expect(boundsIn(cache, '')).toEqual(['c-f', 'm-']);
    cache.forget('zz');
    cache.forget('c');
    expect(cache.size).toBe(0);
  });

  it('keeps within its budget those that were used last', () => {
    const cache = new BlockCache(100_000);
    const name = (i: number) => `k${String(i).padStart(4, '0')}`;
    for (let i = 0; i < 1000; i++) {
      cache.add(block(name(i), name(i + 1), 4000));
      // The first ones are in use all the time.
      boundsIn(cache, name(0), name(3));
      expect(cache.size).toBeLessThanOrEqual(100_000 / 4000);
    }
    expect(boundsIn(cache, name(0), name(3))).toHaveLength(3);
    expect(cache.size).toBeGreaterThan(10);
    cache.add(block(name(2000), name(2001), 60_000));
    expect(boundsIn(cache, name(2000))).toEqual([]);
  });

  it('keeps nothing without a budget', () => {
    const cache = new BlockCache(0);
    cache.add(block('a', 'b'));
    expect(cache.size).toBe(0);
  });
});
