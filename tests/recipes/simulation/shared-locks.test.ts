import { describe } from 'vitest';
import type { Prize } from './contest.ts';
import { testContests } from './contests.ts';

describe.each<Prize>(['fair lock', 'read-write lock', 'semaphore'])(
  'in virtual time, %s',
  (prize) => {
    testContests(prize, 200);
  },
);
