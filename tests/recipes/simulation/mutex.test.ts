import { describe, expect, it } from 'vitest';
import { runContest } from './contest.ts';
import { testContests } from './contests.ts';

describe('in virtual time, a lock', () => {
  testContests('lock', 1000);

  it('is passed on where a second standstill would end before the first', async () => {
    expect((await runContest('lock', 2307787823)).violations).toEqual([]);
  });
});
