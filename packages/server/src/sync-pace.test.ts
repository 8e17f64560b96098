import { describe, expect, it } from 'vitest';
import { SyncPace } from './sync-pace.ts';

const quick = (count: number) => Array.from({ length: count }, () => 0.1);

describe('whether a disk may be waited for', () => {
  it.each([
    ['not of one that nothing is known of', [], false],
    ['not after 31 quick syncs', quick(31), false],
    ['after 32 quick syncs', quick(32), true],
    ['not after a slow one', [...quick(100), 6], false],
    ['32 quick ones after a slow one', [6, ...quick(32)], true],
    ['when all take five milliseconds', Array.from({ length: 32 }, () => 5), true],
  ] as const)('%s', (_, syncs, isQuick) => {
    const pace = new SyncPace();
    for (const durationMs of syncs) pace.took(durationMs);
    expect(pace.isQuick).toBe(isQuick);
  });
});
