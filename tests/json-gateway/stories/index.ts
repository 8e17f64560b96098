import type { Step } from '../step.ts';
import { badInput } from './bad-input.ts';
import { keys } from './keys.ts';
import { leases } from './leases.ts';
import { locks } from './locks.ts';
import { maintenance } from './maintenance.ts';
import { members } from './members.ts';
import { routing } from './routing.ts';
import { users } from './users.ts';
import { watches } from './watches.ts';

/** What is asked of either server, in this order; those of a group one after the other of the same servers. */
export const stories: readonly (readonly (readonly [name: string, steps: readonly Step[]])[])[] = [
  [
    ['keys', keys],
    ['members', members],
    ['locks', locks],
    ['users', users],
    ['bad input', badInput],
    ['routing', routing],
  ],
  [
    ['watches', watches],
    ['leases', leases],
    ['maintenance', maintenance],
  ],
];
