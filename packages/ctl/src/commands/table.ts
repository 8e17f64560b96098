import type { CommandEntry } from '../program/command.ts';
import { peopleCommands } from './people/table.ts';

/**
 * The commands of kvctl, in the order of its help: by name, as cobra sorts them. A row costs nothing; the command's file
 * is loaded when it is called.
 */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'get',
    group: 'kv',
    summary: 'Gets the key or a range of keys',
    load: async () => (await import('./kv/get.ts')).get,
  },
  {
    name: 'put',
    group: 'kv',
    summary: 'Puts the given key into the store',
    load: async () => (await import('./kv/put.ts')).put,
  },
  {
    name: 'version',
    group: 'utility',
    summary: 'Prints the version of etcdctl',
    load: async () => (await import('./utility/version.ts')).version,
  },
  ...peopleCommands,
];
