import { describe } from 'vitest';
import { testContests } from './contests.ts';

describe('in virtual time, an election', () => {
  testContests('election', 1000);
});
