import type { CommandEntry } from '../../program/command.ts';

/** Commands that copy a store. */
export const mirrorCommands: readonly CommandEntry[] = [
  {
    name: 'make-mirror',
    group: 'utility',
    summary: 'Makes a mirror at the destination etcd cluster',
    load: async () => (await import('./make-mirror.ts')).makeMirror,
  },
];
