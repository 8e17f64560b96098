import { describe, expect, it } from 'vitest';
import { seededBugs, simulate } from './testing/index.ts';

// A simulation that finds nothing may be one that looks at nothing. Here are mistakes that it must find.

const SEED_LIMIT = 100;

describe('the simulation notices that', () => {
  it.each(seededBugs)('$name', { timeout: 120_000 }, async (bug) => {
    const remove = bug.install();
    try {
      for (let seed = 1; seed <= SEED_LIMIT; seed++) {
        const { violations } = await simulate({ seed });
        if (violations.length > 0) return;
      }
      expect.fail(`${SEED_LIMIT} seeds found nothing`);
    } finally {
      remove();
    }
  });
});
