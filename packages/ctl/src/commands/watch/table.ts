import type { CommandEntry } from '../../program/command.ts';

/** Commands that follow what happens. */
export const watchCommands: readonly CommandEntry[] = [
  {
    name: 'watch',
    group: 'kv',
    summary: 'Watches events stream on keys or prefixes',
    load: async () => (await import('./watch.ts')).watch,
  },
];
