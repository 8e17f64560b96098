import type { Command, CommandEntry } from '../../program/command.ts';

type Commands = typeof import('./lease-commands.ts');

/** A command of the file that most of them are in. */
function entry(name: string, summary: string, pick: (commands: Commands) => Command): CommandEntry {
  return { name, summary, load: async () => pick(await import('./lease-commands.ts')) };
}

/** Commands about leases. */
export const leaseCommands: readonly CommandEntry[] = [
  {
    name: 'lease',
    group: 'kv',
    summary: 'Lease related commands. Use `etcdctl lease --help` to see subcommands',
    subcommands: [
      entry('grant', 'Creates leases', ({ grant }) => grant),
      {
        name: 'keep-alive',
        summary: 'Keeps leases alive (renew)',
        load: async () => (await import('./keep-alive.ts')).keepAlive,
      },
      entry('list', 'List all active leases', ({ list }) => list),
      entry('revoke', 'Revokes leases', ({ revoke }) => revoke),
      entry('timetolive', 'Get lease information', ({ timeToLive }) => timeToLive),
    ],
  },
];
