import type { CommandEntry } from '../program/command.ts';
import { completionEntry } from '../program/completion.ts';

/** The commands of kvutl, by name. A row costs nothing; the command's file is loaded when it is called. */
export const utlTable: readonly CommandEntry[] = [
  {
    name: 'backup',
    summary: 'Copies the data directory of an etcd up to 3.5, with the keys of the v2 API',
    load: async () => (await import('./backup.ts')).backup,
  },
  completionEntry(['kvutl', 'etcdutl']),
  {
    name: 'defrag',
    summary: 'Finishes compaction in the store of a member that does not run',
    load: async () => (await import('./defrag.ts')).defrag,
  },
  {
    name: 'hashkv',
    summary: 'Prints the KV history hash of a given file or data directory',
    load: async () => (await import('./hash-kv.ts')).hashkv,
  },
  {
    name: 'migrate',
    summary: 'Checks that the storage of a data directory suits a version',
    load: async () => (await import('./migrate.ts')).migrate,
  },
  {
    name: 'snapshot',
    summary: 'Manages etcd node snapshots',
    subcommands: [
      {
        name: 'inspect',
        isExtension: true,
        summary: 'Shows all that a snapshot file holds beside keys',
        load: async () => (await import('./snapshot-inspect.ts')).snapshotInspect,
      },
      {
        name: 'restore',
        summary: 'Restores an etcd member snapshot to an etcd directory',
        load: async () => (await import('./snapshot-restore.ts')).snapshotRestore,
      },
      {
        name: 'status',
        summary: 'Gets backend snapshot status of a given file',
        load: async () => (await import('./snapshot-status.ts')).snapshotStatus,
      },
    ],
  },
  {
    name: 'version',
    summary: 'Prints the version of etcdutl',
    load: async () => (await import('./version.ts')).version,
  },
];
