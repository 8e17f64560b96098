import type { CommandEntry } from '../../program/command.ts';

const group = 'auth';
const auth = () => import('./auth-commands.ts');
const users = () => import('./user-commands.ts');
const roles = () => import('./role-commands.ts');

/** Commands about users, roles, and whether they are asked for. */
export const authCommands: readonly CommandEntry[] = [
  {
    name: 'auth',
    group,
    summary: 'Enable or disable authentication. Use `etcdctl auth --help` to see subcommands',
    subcommands: [
      {
        name: 'disable',
        summary: 'Disables authentication',
        load: async () => (await auth()).disable,
      },
      {
        name: 'enable',
        summary: 'Enables authentication',
        load: async () => (await auth()).enable,
      },
      {
        name: 'status',
        summary: 'Returns authentication status',
        load: async () => (await auth()).status,
      },
    ],
  },
  {
    name: 'role',
    group,
    summary: 'Role related commands. Use `etcdctl role --help` to see subcommands',
    subcommands: [
      { name: 'add', summary: 'Adds a new role', load: async () => (await roles()).add },
      { name: 'delete', summary: 'Deletes a role', load: async () => (await roles()).remove },
      {
        name: 'get',
        summary: 'Gets detailed information of a role',
        load: async () => (await roles()).get,
      },
      {
        name: 'grant-permission',
        summary: 'Grants a key to a role',
        load: async () => (await roles()).grantPermission,
      },
      { name: 'list', summary: 'Lists all roles', load: async () => (await roles()).list },
      {
        name: 'revoke-permission',
        summary: 'Revokes a key from a role',
        load: async () => (await roles()).revokePermission,
      },
    ],
  },
  {
    name: 'user',
    group,
    summary: 'User related commands. Use `etcdctl user --help` to see subcommands',
    subcommands: [
      { name: 'add', summary: 'Adds a new user', load: async () => (await users()).add },
      { name: 'delete', summary: 'Deletes a user', load: async () => (await users()).remove },
      {
        name: 'get',
        summary: 'Gets detailed information of a user',
        load: async () => (await users()).get,
      },
      {
        name: 'grant-role',
        summary: 'Grants a role to a user',
        load: async () => (await users()).grantRole,
      },
      { name: 'list', summary: 'Lists all users', load: async () => (await users()).list },
      {
        name: 'passwd',
        summary: 'Changes password of user',
        load: async () => (await users()).passwd,
      },
      {
        name: 'revoke-role',
        summary: 'Revokes a role from a user',
        load: async () => (await users()).revokeRole,
      },
    ],
  },
];
