import type { V2Command } from './v2-command.ts';
import { options } from './v2-options.ts';

const nothing = ' ';

/** The commands of etcdctl's v2 mode, in the order of its help. */
export const v2Commands: readonly V2Command[] = [
  {
    name: 'backup',
    usage: '--data-dir=... --backup-dir={output}',
    argsUsage: nothing,
    usageText: '[deprecated] offline backup an etcd directory.',
    description: `Performs an offline backup of etcd directory.

Moved to \`./etcdutl backup\` and going to be decomissioned in v3.5

The recommended (online) backup command is: \`./etcdctl snapshot save ...\`.

`,
    flags: [
      options.dataDir,
      options.walDir,
      options.backupDir,
      options.backupWalDir,
      options.withV3,
    ],
    load: async () => (await import('./commands/backup.ts')).backup,
  },
  {
    name: 'cluster-health',
    usage: 'check the health of the etcd cluster',
    argsUsage: nothing,
    flags: [options.healthForever],
    load: async () => (await import('./commands/cluster-health.ts')).clusterHealth,
  },
  {
    name: 'mk',
    usage: 'make a new key with a given value',
    argsUsage: '<key> <value>',
    flags: [options.inOrder, options.ttl],
    load: async () => (await import('./commands/write.ts')).mk,
  },
  {
    name: 'mkdir',
    usage: 'make a new directory',
    argsUsage: '<key>',
    flags: [options.ttl],
    load: async () => (await import('./commands/write.ts')).mkdir,
  },
  {
    name: 'rm',
    usage: 'remove a key or a directory',
    argsUsage: '<key>',
    flags: [options.dir, options.removeRecursive, options.withValue, options.withIndex],
    load: async () => (await import('./commands/remove.ts')).rm,
  },
  {
    name: 'rmdir',
    usage: 'removes the key if it is an empty directory or a key-value pair',
    argsUsage: '<key>',
    load: async () => (await import('./commands/remove.ts')).rmdir,
  },
  {
    name: 'get',
    usage: 'retrieve the value of a key',
    argsUsage: '<key>',
    flags: [options.sort, options.quorum],
    load: async () => (await import('./commands/read.ts')).get,
  },
  {
    name: 'ls',
    usage: 'retrieve a directory',
    argsUsage: '[key]',
    flags: [options.sort, options.listRecursive, options.slash, options.quorum],
    load: async () => (await import('./commands/read.ts')).ls,
  },
  {
    name: 'set',
    usage: 'set the value of a key',
    argsUsage: '<key> <value>',
    description: `Set sets the value of a key.

   When <value> begins with '-', <value> is interpreted as a flag.
   Insert '--' for workaround:

   $ set -- <key> <value>`,
    flags: [options.ttl, options.swapWithValue, options.swapWithIndex],
    load: async () => (await import('./commands/write.ts')).set,
  },
  {
    name: 'setdir',
    usage: 'create a new directory or update an existing directory TTL',
    argsUsage: '<key>',
    flags: [options.ttl],
    load: async () => (await import('./commands/write.ts')).setdir,
  },
  {
    name: 'update',
    usage: 'update an existing key with a given value',
    argsUsage: '<key> <value>',
    flags: [options.ttl],
    load: async () => (await import('./commands/write.ts')).update,
  },
  {
    name: 'updatedir',
    usage: 'update an existing directory',
    argsUsage: '<key> <value>',
    flags: [options.ttl],
    load: async () => (await import('./commands/write.ts')).updatedir,
  },
  {
    name: 'watch',
    usage: 'watch a key for changes',
    argsUsage: '<key>',
    flags: [options.watchForever, options.afterIndex, options.watchRecursive],
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  {
    name: 'exec-watch',
    usage: 'watch a key for changes and exec an executable',
    argsUsage: '<key> <command> [args...]',
    flags: [options.afterIndex, options.execRecursive],
    load: async () => (await import('./commands/watch.ts')).execWatch,
  },
  {
    name: 'member',
    usage: 'member add, remove and list subcommands',
    argsUsage: '[arguments...]',
    subcommands: [
      {
        name: 'list',
        usage: 'enumerate existing cluster members',
        argsUsage: nothing,
        load: async () => (await import('./commands/member.ts')).memberList,
      },
      {
        name: 'add',
        usage: 'add a new member to the etcd cluster',
        argsUsage: '<name> <peerURL>',
        load: async () => (await import('./commands/member.ts')).memberAdd,
      },
      {
        name: 'remove',
        usage: 'remove an existing member from the etcd cluster',
        argsUsage: '<memberID>',
        load: async () => (await import('./commands/member.ts')).memberRemove,
      },
      {
        name: 'update',
        usage: 'update an existing member in the etcd cluster',
        argsUsage: '<memberID> <peerURLs>',
        load: async () => (await import('./commands/member.ts')).memberUpdate,
      },
    ],
  },
  {
    name: 'user',
    usage: 'user add, grant and revoke subcommands',
    argsUsage: '[arguments...]',
    subcommands: [
      {
        name: 'add',
        usage: 'add a new user for the etcd cluster',
        argsUsage: '<user>',
        load: async () => (await import('./commands/user.ts')).userAdd,
      },
      {
        name: 'get',
        usage: 'get details for a user',
        argsUsage: '<user>',
        load: async () => (await import('./commands/user.ts')).userGet,
      },
      {
        name: 'list',
        usage: 'list all current users',
        argsUsage: '<user>',
        load: async () => (await import('./commands/user.ts')).userList,
      },
      {
        name: 'remove',
        usage: 'remove a user for the etcd cluster',
        argsUsage: '<user>',
        load: async () => (await import('./commands/user.ts')).userRemove,
      },
      {
        name: 'grant',
        usage: 'grant roles to an etcd user',
        argsUsage: '<user>',
        flags: [options.roles],
        load: async () => (await import('./commands/user.ts')).userGrant,
      },
      {
        name: 'revoke',
        usage: 'revoke roles for an etcd user',
        argsUsage: '<user>',
        flags: [options.roles],
        load: async () => (await import('./commands/user.ts')).userRevoke,
      },
      {
        name: 'passwd',
        usage: 'change password for a user',
        argsUsage: '<user>',
        load: async () => (await import('./commands/user.ts')).userPasswd,
      },
    ],
  },
  {
    name: 'role',
    usage: 'role add, grant and revoke subcommands',
    argsUsage: '[arguments...]',
    subcommands: [
      {
        name: 'add',
        usage: 'add a new role for the etcd cluster',
        argsUsage: '<role> ',
        load: async () => (await import('./commands/role.ts')).roleAdd,
      },
      {
        name: 'get',
        usage: 'get details for a role',
        argsUsage: '<role>',
        load: async () => (await import('./commands/role.ts')).roleGet,
      },
      {
        name: 'list',
        usage: 'list all roles',
        argsUsage: nothing,
        load: async () => (await import('./commands/role.ts')).roleList,
      },
      {
        name: 'remove',
        usage: 'remove a role from the etcd cluster',
        argsUsage: '<role>',
        load: async () => (await import('./commands/role.ts')).roleRemove,
      },
      {
        name: 'grant',
        usage: 'grant path matches to an etcd role',
        argsUsage: '<role>',
        flags: [options.grantPath, options.grantRead, options.grantWrite, options.grantBoth],
        load: async () => (await import('./commands/role.ts')).roleGrant,
      },
      {
        name: 'revoke',
        usage: 'revoke path matches for an etcd role',
        argsUsage: '<role>',
        flags: [options.revokePath, options.revokeRead, options.revokeWrite, options.revokeBoth],
        load: async () => (await import('./commands/role.ts')).roleRevoke,
      },
    ],
  },
  {
    name: 'auth',
    usage: 'overall auth controls',
    argsUsage: '[arguments...]',
    subcommands: [
      {
        name: 'enable',
        usage: 'enable auth access controls',
        argsUsage: nothing,
        load: async () => (await import('./commands/auth.ts')).authEnable,
      },
      {
        name: 'disable',
        usage: 'disable auth access controls',
        argsUsage: nothing,
        load: async () => (await import('./commands/auth.ts')).authDisable,
      },
    ],
  },
];
