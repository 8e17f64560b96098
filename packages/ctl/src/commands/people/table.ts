import type { CommandEntry } from '../../program/command.ts';

/** What kvctl has and etcdctl has not. */
export const peopleCommands: readonly CommandEntry[] = [
  {
    name: 'diff',
    summary: 'Shows what changed between two revisions',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    name: 'doctor',
    summary: 'Says what is wrong with a cluster, and how to mend it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'edit',
    summary: 'Edits the value of a key in $EDITOR',
    load: async () => (await import('./edit.ts')).edit,
  },
  {
    name: 'export',
    summary: 'Writes all keys with a prefix as lines of JSON',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'import',
    summary: 'Puts the keys that export wrote',
    load: async () => (await import('./import.ts')).importCommand,
  },
  {
    name: 'shell',
    summary: 'Reads commands line by line, with history and completion',
    load: async () => (await import('./shell.ts')).shell,
  },
  {
    name: 'top',
    summary: 'Shows the largest prefixes and the most revised keys',
    load: async () => (await import('./top.ts')).top,
  },
].map((entry) => ({ ...entry, group: 'people', isExtension: true }));
