import type { CommandEntry } from '../../program/command.ts';

const group = 'kv';

/** Commands about keys and values. */
export const kvCommands: readonly CommandEntry[] = [
  {
    name: 'get',
    group,
    summary: 'Gets the key or a range of keys',
    load: async () => (await import('./get.ts')).get,
  },
  {
    name: 'put',
    group,
    summary: 'Puts the given key into the store',
    load: async () => (await import('./put.ts')).put,
  },
  {
    name: 'del',
    group,
    summary: 'Removes the specified key or range of keys [key, range_end)',
    load: async () => (await import('./del.ts')).del,
  },
  {
    name: 'txn',
    group,
    summary: 'Txn processes all the requests in one transaction',
    load: async () => (await import('./txn.ts')).txn,
  },
  {
    name: 'compaction',
    group,
    summary: 'Compacts the event history in etcd',
    load: async () => (await import('./compaction.ts')).compaction,
  },
];
