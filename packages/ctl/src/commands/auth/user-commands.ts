import {
  AuthUserAddResponseSchema,
  AuthUserChangePasswordResponseSchema,
  AuthUserDeleteResponseSchema,
  AuthUserGetResponseSchema,
  AuthUserGrantRoleResponseSchema,
  AuthUserListResponseSchema,
  AuthUserRevokeRoleResponseSchema,
} from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag, type FlagValues, stringFlag } from '../../flags/flag.ts';
import type { Input } from '../../host.ts';
import type { Rendering } from '../../output/rendering.ts';
import { defineCommand } from '../../program/command.ts';
import { plainRendering, roleRendering } from './auth-renderings.ts';
import { newPassword } from './new-password.ts';

const addFlags = {
  interactive: booleanFlag('Read password from stdin instead of interactive terminal', true),
  'new-user-password': stringFlag('Supply password from the command line flag'),
  'no-password': booleanFlag('Create a user without password (CN based auth only)'),
};

export const add = defineCommand({
  use: 'add <user name or user:password> [options]',
  flags: addFlags,
  run: async (invocation) => {
    const [name, ...more] = invocation.args;
    if (name === undefined || more.length > 0) {
      throw badArguments('user add command requires user name as its argument');
    }
    const request = await newUser(name, invocation.flags, invocation.host.stdin);
    const { auth } = await invocation.client();
    const response = await auth.userAdd(request, invocation.callOptions());
    const text = `User ${request.name} created`;
    await invocation.print(
      withoutFields(plainRendering(text, AuthUserAddResponseSchema, response)),
    );
  },
});

async function newUser(text: string, flags: FlagValues<typeof addFlags>, stdin: Input) {
  const options = { noPassword: flags['no-password'] };
  if (flags['no-password']) return { name: text, password: '', options };
  const given = flags['new-user-password'];
  if (given !== '') return { name: text, password: given, options };
  const colon = text.indexOf(':');
  if (colon < 0) {
    return { name: text, password: await newPassword(stdin, text, flags.interactive), options };
  }
  if (colon === 0) throw badArguments('empty user name is not allowed');
  return { name: text.slice(0, colon), password: text.slice(colon + 1), options };
}

export const remove = defineCommand({
  use: 'delete <user name>',
  flags: {},
  run: async (invocation) => {
    const name = onlyUser(invocation.args, 'delete');
    const { auth } = await invocation.client();
    const response = await auth.userDelete({ name }, invocation.callOptions());
    const rendering = plainRendering(
      `User ${name} deleted`,
      AuthUserDeleteResponseSchema,
      response,
    );
    await invocation.print(rendering);
  },
});

export const get = defineCommand({
  use: 'get <user name> [options]',
  flags: { detail: booleanFlag('Show permissions of roles granted to the user') },
  run: async (invocation) => {
    const name = onlyUser(invocation.args, 'get');
    const { auth } = await invocation.client();
    const options = invocation.callOptions();
    const response = await auth.userGet({ name }, options);
    if (invocation.flags.detail) {
      invocation.writeLine(`User: ${name}`);
      for (const role of response.roles) {
        invocation.writeLine('');
        await invocation.print(roleRendering(role, await auth.roleGet({ role }, options)));
      }
      return;
    }
    await invocation.print({
      simple: (line) => {
        line(`User: ${name}`);
        line(`Roles:${response.roles.map((role) => ` ${role}`).join('')}`);
      },
      message: [AuthUserGetResponseSchema, response],
    });
  },
});

export const list = defineCommand({
  use: 'list',
  flags: {},
  run: async (invocation) => {
    if (invocation.args.length > 0) throw badArguments('user list command requires no arguments');
    const { auth } = await invocation.client();
    const response = await auth.userList({}, invocation.callOptions());
    await invocation.print({
      simple: (line) => {
        for (const user of response.users) line(user);
      },
      message: [AuthUserListResponseSchema, response],
    });
  },
});

export const passwd = defineCommand({
  use: 'passwd <user name> [options]',
  flags: {
    interactive: booleanFlag(
      'If true, read password from stdin instead of interactive terminal',
      true,
    ),
  },
  run: async (invocation) => {
    const name = onlyUser(invocation.args, 'passwd');
    const password = await newPassword(invocation.host.stdin, name, invocation.flags.interactive);
    const { auth } = await invocation.client();
    const response = await auth.userChangePassword({ name, password }, invocation.callOptions());
    const schema = AuthUserChangePasswordResponseSchema;
    await invocation.print(plainRendering('Password updated', schema, response));
  },
});

export const grantRole = defineCommand({
  use: 'grant-role <user name> <role name>',
  flags: {},
  run: async (invocation) => {
    const usage = 'user grant command requires user name and role name as its argument';
    const [user, role] = userAndRole(invocation.args, usage);
    const { auth } = await invocation.client();
    const response = await auth.userGrantRole({ user, role }, invocation.callOptions());
    const text = `Role ${role} is granted to user ${user}`;
    await invocation.print(plainRendering(text, AuthUserGrantRoleResponseSchema, response));
  },
});

export const revokeRole = defineCommand({
  use: 'revoke-role <user name> <role name>',
  flags: {},
  run: async (invocation) => {
    const usage = 'user revoke-role requires user name and role name as its argument';
    const [name, role] = userAndRole(invocation.args, usage);
    const { auth } = await invocation.client();
    const response = await auth.userRevokeRole({ name, role }, invocation.callOptions());
    const text = `Role ${role} is revoked from user ${name}`;
    await invocation.print(plainRendering(text, AuthUserRevokeRoleResponseSchema, response));
  },
});

function onlyUser(args: readonly string[], command: string): string {
  const [name, ...more] = args;
  if (name === undefined || more.length > 0) {
    throw badArguments(`user ${command} command requires user name as its argument`);
  }
  return name;
}

function userAndRole(args: readonly string[], usage: string): readonly [string, string] {
  const [user, role, ...more] = args;
  if (user === undefined || role === undefined || more.length > 0) throw badArguments(usage);
  return [user, role];
}

/** For answers that etcdctl has no fields of. */
function withoutFields({ fields: _fields, ...rendering }: Rendering): Rendering {
  return rendering;
}
