import type { CommandEntry } from '../../program/command.ts';

const group = 'cluster';
const members = () => import('./member-commands.ts');
const alarms = () => import('./alarm-commands.ts');
const downgrades = () => import('./downgrade-commands.ts');

/** Commands about members and their upkeep. */
export const clusterCommands: readonly CommandEntry[] = [
  {
    name: 'alarm',
    group,
    summary: 'Alarm related commands. Use `etcdctl alarm --help` to see subcommands',
    subcommands: [
      { name: 'disarm', summary: 'Disarms all alarms', load: async () => (await alarms()).disarm },
      { name: 'list', summary: 'Lists all alarms', load: async () => (await alarms()).list },
    ],
  },
  {
    name: 'defrag',
    group,
    summary: 'Defragments the storage of the etcd members with given endpoints',
    load: async () => (await import('./defrag.ts')).defrag,
  },
  {
    name: 'downgrade',
    group,
    summary: 'Downgrade related commands. Use `etcdctl downgrade --help` to see subcommands',
    subcommands: [
      {
        name: 'cancel',
        summary: 'Cancel the ongoing downgrade action to cluster',
        load: async () => (await downgrades()).cancel,
      },
      {
        name: 'enable',
        summary: 'Start a downgrade action to cluster',
        load: async () => (await downgrades()).enable,
      },
      {
        name: 'validate',
        summary: 'Validate downgrade capability before starting downgrade',
        load: async () => (await downgrades()).validate,
      },
    ],
  },
  {
    name: 'endpoint',
    group,
    summary: 'Endpoint related commands. Use `etcdctl endpoint --help` to see subcommands',
    subcommands: [
      {
        name: 'hashkv',
        summary: 'Prints the KV history hash for each endpoint in --endpoints',
        load: async () => (await import('./endpoint-hashkv.ts')).hashkv,
      },
      {
        name: 'health',
        summary: 'Checks the healthiness of endpoints specified in `--endpoints` flag',
        load: async () => (await import('./endpoint-health.ts')).health,
      },
      {
        name: 'status',
        summary: 'Prints out the status of endpoints specified in `--endpoints` flag',
        load: async () => (await import('./endpoint-status.ts')).status,
      },
    ],
  },
  {
    name: 'member',
    group,
    summary: 'Membership related commands. Use `etcdctl member --help` to see subcommands',
    subcommands: [
      {
        name: 'add',
        summary: 'Adds a member into the cluster',
        load: async () => (await members()).add,
      },
      {
        name: 'list',
        summary: 'Lists all members in the cluster',
        load: async () => (await members()).list,
      },
      {
        name: 'promote',
        summary: 'Promotes a non-voting member in the cluster',
        load: async () => (await members()).promote,
      },
      {
        name: 'remove',
        summary: 'Removes a member from the cluster',
        load: async () => (await members()).remove,
      },
      {
        name: 'update',
        summary: 'Updates a member in the cluster',
        load: async () => (await members()).update,
      },
    ],
  },
  {
    name: 'move-leader',
    group,
    summary: 'Transfers leadership to another etcd cluster member.',
    load: async () => (await import('./move-leader.ts')).moveLeader,
  },
  {
    name: 'snapshot',
    group,
    summary: 'Manages etcd node snapshots',
    subcommands: [
      {
        name: 'save',
        summary: 'Stores an etcd node backend snapshot to a given file',
        load: async () => (await import('./snapshot-save.ts')).save,
      },
    ],
  },
];
