import type { CommandEntry } from '../../program/command.ts';

/** Commands that write for a while and say how a cluster bears it. */
export const checkCommands: readonly CommandEntry[] = [
  {
    name: 'check',
    group: 'cluster',
    summary: 'commands for checking properties of the etcd cluster',
    subcommands: [
      {
        name: 'datascale',
        summary:
          'Check the memory usage of holding data for different workloads on a given server endpoint.',
        load: async () => (await import('./datascale.ts')).datascale,
      },
      {
        name: 'perf',
        summary: 'Check the performance of the etcd cluster',
        load: async () => (await import('./perf.ts')).perf,
      },
    ],
  },
];
