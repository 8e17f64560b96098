import type { CommandEntry } from '../../program/command.ts';

const group = 'utility';

/** Commands about the program itself. */
export const utilityCommands: readonly CommandEntry[] = [
  {
    name: 'version',
    group,
    summary: 'Prints the version of etcdctl',
    load: async () => (await import('./version.ts')).version,
  },
];
