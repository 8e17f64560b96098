import { commandTable } from './commands/table.ts';
import { globalFlags } from './flags/global-flags.ts';
import type { Program } from './program/command.ts';

/** kvctl: etcdctl's commands and more. Its texts call it etcdctl, which scripts may look for. */
export const kvctlProgram: Program = {
  name: 'etcdctl',
  summary: 'A simple command line client for etcd3.',
  globalFlags,
  variablePrefix: 'ETCDCTL',
  groups: [
    { id: 'kv', title: 'Key-value commands:' },
    { id: 'cluster', title: 'Cluster maintenance commands:' },
    { id: 'concurrency', title: 'Concurrency commands:' },
    { id: 'auth', title: 'Authentication commands:' },
    { id: 'utility', title: 'Utility commands:' },
    { id: 'people', title: 'Commands that etcdctl does not have:' },
  ],
  commands: commandTable,
  hasLiveCandidates: true,
  ownVariables: ['ETCDCTL_API'],
  otherModeOf: ({ ETCDCTL_API: version }) =>
    version === '2' ? async () => (await import('./v2/run-v2.ts')).runV2 : undefined,
  helpFooter:
    'Use "etcdctl options" for a list of global command-line options (applies to all commands).',
};
