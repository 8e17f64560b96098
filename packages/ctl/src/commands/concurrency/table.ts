import type { CommandEntry } from '../../program/command.ts';

const group = 'concurrency';

/** Commands by which processes agree on whose turn it is. */
export const concurrencyCommands: readonly CommandEntry[] = [
  {
    name: 'elect',
    group,
    summary: 'Observes and participates in leader election',
    load: async () => (await import('./elect.ts')).elect,
  },
  {
    name: 'lock',
    group,
    summary: 'Acquires a named lock',
    load: async () => (await import('./lock.ts')).lock,
  },
];
