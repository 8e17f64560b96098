import type { V2Permissions } from '../auth-api.ts';
import type { V2Call } from '../v2-command.ts';
import { RefusedError, V2CallError } from '../v2-errors.ts';
import { options } from '../v2-options.ts';
import { onlyArgument, orRefuse, refused } from './refused.ts';

const roleWanted = 'Please provide a role name';

export async function roleList(call: V2Call): Promise<undefined> {
  if (call.args.length > 0) throw refused('No arguments accepted');
  const auth = await call.auth();
  for (const role of await orRefuse('', () => auth.roles(call.deadline))) call.writeLine(role);
}

export async function roleAdd(call: V2Call): Promise<undefined> {
  const role = onlyArgument(call, roleWanted);
  const auth = await call.auth();
  const isThere = await auth.permissionsOf(role, call.deadline).then(
    () => true,
    (error: unknown) => {
      if (error instanceof RefusedError) return false;
      if (!(error instanceof V2CallError)) throw error;
      throw refused(error.message);
    },
  );
  if (isThere) throw refused(`Role ${role} already exists`);
  await orRefuse('', () => auth.addRole(role, call.deadline));
  call.writeLine(`Role ${role} created`);
}

export async function roleGet(call: V2Call): Promise<undefined> {
  const role = onlyArgument(call, roleWanted);
  const auth = await call.auth();
  const { read, write } = await orRefuse('', () => auth.permissionsOf(role, call.deadline));
  call.writeLine(`Role: ${role}`);
  call.writeLine('KV Read:');
  for (const path of read) call.writeLine(`\t${path}`);
  call.writeLine('KV Write:');
  for (const path of write) call.writeLine(`\t${path}`);
}

export async function roleRemove(call: V2Call): Promise<undefined> {
  const role = onlyArgument(call, roleWanted);
  const auth = await call.auth();
  await orRefuse('', () => auth.removeRole(role, call.deadline));
  call.writeLine(`Role ${role} removed`);
}

export async function roleGrant(call: V2Call): Promise<undefined> {
  await changePermissions(call, 'grant');
}

export async function roleRevoke(call: V2Call): Promise<undefined> {
  await changePermissions(call, 'revoke');
}

async function changePermissions(call: V2Call, method: 'grant' | 'revoke'): Promise<void> {
  const role = onlyArgument(call, roleWanted);
  const permissions = permissionsOf(call, method);
  const auth = await call.auth();
  await orRefuse('', () => auth.permissionsOf(role, call.deadline));
  await orRefuse('', () => auth[method](role, permissions, call.deadline));
  call.writeLine(`Role ${role} updated`);
}

function permissionsOf({ flags }: V2Call, method: 'grant' | 'revoke'): V2Permissions {
  const isGrant = method === 'grant';
  const path = flags.get(isGrant ? options.grantPath : options.revokePath);
  if (path === '') throw refused('No path specified; please use `--path`');
  const isRead = flags.get(isGrant ? options.grantRead : options.revokeRead);
  const isWrite = flags.get(isGrant ? options.grantWrite : options.revokeWrite);
  const isBoth = flags.get(isGrant ? options.grantBoth : options.revokeBoth);
  if ([isRead, isWrite, isBoth].filter(Boolean).length !== 1) {
    throw refused('Please specify exactly one of --read, --write or --readwrite');
  }
  return { read: isRead || isBoth ? [path] : [], write: isWrite || isBoth ? [path] : [] };
}
