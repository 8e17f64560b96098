import { describe } from 'vitest';
import { testContests } from './contests.ts';

describe('in virtual time, a lock', () => {
  testContests('lock', 1000);
});
