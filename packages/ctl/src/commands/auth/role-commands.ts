import {
  AuthRoleAddResponseSchema,
  AuthRoleDeleteResponseSchema,
  AuthRoleGrantPermissionResponseSchema,
  AuthRoleRevokePermissionResponseSchema,
  Permission_Type as PermissionType,
} from '@kvorum/api';
import { openEnd, prefixEnd } from '@kvorum/client';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import { bytesOfText, textOfBytes } from '../../output/byte-text.ts';
import { defineCommand } from '../../program/command.ts';
import { plainRendering, roleListRendering, roleRendering } from './auth-renderings.ts';

export const add = defineCommand({
  use: 'add <role name>',
  flags: {},
  run: async (invocation) => {
    const name = onlyRole(invocation.args, 'add');
    const { auth } = await invocation.client();
    const response = await auth.roleAdd({ name }, invocation.callOptions());
    const text = `Role ${name} created`;
    await invocation.print(plainRendering(text, AuthRoleAddResponseSchema, response));
  },
});

export const remove = defineCommand({
  use: 'delete <role name>',
  flags: {},
  run: async (invocation) => {
    const role = onlyRole(invocation.args, 'delete');
    const { auth } = await invocation.client();
    const response = await auth.roleDelete({ role }, invocation.callOptions());
    const text = `Role ${role} deleted`;
    await invocation.print(plainRendering(text, AuthRoleDeleteResponseSchema, response));
  },
});

export const get = defineCommand({
  use: 'get <role name>',
  flags: {},
  run: async (invocation) => {
    const role = onlyRole(invocation.args, 'get');
    const { auth } = await invocation.client();
    await invocation.print(
      roleRendering(role, await auth.roleGet({ role }, invocation.callOptions())),
    );
  },
});

export const list = defineCommand({
  use: 'list',
  flags: {},
  run: async (invocation) => {
    if (invocation.args.length > 0) throw badArguments('role list command requires no arguments');
    const { auth } = await invocation.client();
    await invocation.print(roleListRendering(await auth.roleList({}, invocation.callOptions())));
  },
});

export const grantPermission = defineCommand({
  use: 'grant-permission [options] <role name> <permission type> <key> [endkey]',
  flags: {
    'from-key': booleanFlag(
      'grant a permission of keys that are greater than or equal to the given key using byte compare',
    ),
    prefix: booleanFlag('grant a prefix permission'),
  },
  run: async (invocation) => {
    const [name, type, ...keys] = invocation.args;
    if (name === undefined || type === undefined || keys.length === 0) {
      const what = 'role name, permission type, and key [endkey]';
      throw badArguments(`role grant command requires ${what} as its argument`);
    }
    const permType = permissionType(type);
    const span = permissionSpan(keys, invocation.flags);
    const { auth } = await invocation.client();
    const request = { name, perm: { permType, ...span } };
    const response = await auth.roleGrantPermission(request, invocation.callOptions());
    const schema = AuthRoleGrantPermissionResponseSchema;
    await invocation.print(plainRendering(`Role ${name} updated`, schema, response));
  },
});

export const revokePermission = defineCommand({
  use: 'revoke-permission <role name> <key> [endkey]',
  flags: {
    'from-key': booleanFlag(
      'revoke a permission of keys that are greater than or equal to the given key using byte compare',
    ),
    prefix: booleanFlag('revoke a prefix permission'),
  },
  run: async (invocation) => {
    const [role, ...keys] = invocation.args;
    const [from] = keys;
    if (role === undefined || from === undefined) {
      const what = 'role name and key [endkey]';
      throw badArguments(`role revoke-permission command requires ${what} as its argument`);
    }
    const span = permissionSpan(keys, invocation.flags);
    const { auth } = await invocation.client();
    const response = await auth.roleRevokePermission({ role, ...span }, invocation.callOptions());
    const text = `Permission of ${spanText(from, span.rangeEnd)} is revoked from role ${role}`;
    const schema = AuthRoleRevokePermissionResponseSchema;
    await invocation.print(plainRendering(text, schema, response));
  },
});

function onlyRole(args: readonly string[], command: string): string {
  const [name, ...more] = args;
  if (name === undefined || more.length > 0) {
    throw badArguments(`role ${command} command requires role name as its argument`);
  }
  return name;
}

function permissionType(text: string): PermissionType {
  const types: Readonly<Record<string, PermissionType>> = {
    READ: PermissionType.READ,
    WRITE: PermissionType.WRITE,
    READWRITE: PermissionType.READWRITE,
  };
  const type = types[text.toUpperCase()];
  if (type === undefined) throw badArguments(`invalid permission type: ${text}`);
  return type;
}

interface PermissionFlags {
  readonly prefix: boolean;
  readonly 'from-key': boolean;
}

function permissionSpan(
  [text = '', end]: readonly string[],
  { prefix, 'from-key': fromKey }: PermissionFlags,
): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  const key = bytesOfText(text);
  if (prefix && fromKey && (text === '' || end === undefined)) {
    throw badArguments('--from-key and --prefix flags are mutually exclusive');
  }
  const none = new Uint8Array();
  if (text === '') return { key: Uint8Array.of(0), rangeEnd: prefix || fromKey ? openEnd : none };
  if (end === undefined) {
    if (prefix) return { key, rangeEnd: prefixEnd(key) };
    return { key, rangeEnd: fromKey ? openEnd : none };
  }
  if (prefix) throw badArguments('unexpected endkey argument with --prefix flag');
  if (fromKey) throw badArguments('unexpected endkey argument with --from-key flag');
  return { key, rangeEnd: bytesOfText(end) };
}

function spanText(from: string, rangeEnd: Uint8Array): string {
  if (rangeEnd.length === 0) return `key ${from}`;
  const isOpen = Buffer.compare(rangeEnd, openEnd) === 0;
  return isOpen ? `range [${from}, <open ended>` : `range [${from}, ${textOfBytes(rangeEnd)})`;
}
