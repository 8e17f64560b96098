import { describe, expect, it } from 'vitest';
import { seededBugs, simulate } from './testing/index.ts';

// A simulation that finds nothing may be one that looks at nothing. Here are mistakes that it must find.

/** As many seeds as are run without a mistake. The one that is known to find it comes first. */
const SEED_LIMIT = 200;

describe('the simulation notices that', () => {
  it.each(seededBugs)('$name', { timeout: 600_000 }, async (bug) => {
    const remove = bug.install();
    try {
      const seeds = Array.from({ length: SEED_LIMIT }, (_, i) => i + 1);
      for (const seed of [bug.caughtBy, ...seeds]) {
        const { violations } = await simulate({ seed });
        if (violations.length > 0) return;
      }
      expect.fail(`${SEED_LIMIT} seeds found nothing`);
    } finally {
      remove();
    }
  });
});
