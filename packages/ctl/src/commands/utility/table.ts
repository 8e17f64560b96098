import type { CommandEntry } from '../../program/command.ts';
import { completionEntry } from '../../program/completion.ts';

const group = 'utility';

/** Commands about the program itself. */
export const utilityCommands: readonly CommandEntry[] = [
  { ...completionEntry(['kvctl', 'etcdctl']), group },
  {
    name: 'options',
    group,
    summary: 'Prints the options that every command takes',
    load: async () => (await import('./options.ts')).options,
  },
  {
    name: 'version',
    group,
    summary: 'Prints the version of etcdctl',
    load: async () => (await import('./version.ts')).version,
  },
];
