import type { Host } from '../../host.ts';
import type { V2Call } from '../v2-command.ts';
import { options } from '../v2-options.ts';
import { onlyArgument, orRefuse, refused } from './refused.ts';

const usernameWanted = 'Please provide a username';

export async function userList(call: V2Call): Promise<undefined> {
  if (call.args.length > 0) throw refused('No arguments accepted');
  const auth = await call.auth();
  for (const user of await orRefuse('', () => auth.users(call.deadline))) call.writeLine(user);
}

/** `NAME:PASSWORD`, or NAME and a password that is asked for. */
export async function userAdd(call: V2Call): Promise<undefined> {
  const given = onlyArgument(call, usernameWanted);
  const auth = await call.auth();
  const colon = given.indexOf(':');
  const user = colon < 0 ? given : given.slice(0, colon);
  const password = colon < 0 ? await newPassword(call.host) : given.slice(colon + 1);
  await orRefuse('', () => auth.putUser(user, password, call.deadline));
  call.writeLine(`User ${user} created`);
}

export async function userGet(call: V2Call): Promise<undefined> {
  const user = onlyArgument(call, usernameWanted);
  const auth = await call.auth();
  const roles = await orRefuse('', () => auth.rolesOf(user, call.deadline));
  call.writeLine(`User: ${user}`);
  // etcdctl has a space more for each role, and so its users' scripts expect it.
  call.writeLine(`Roles: ${' '.repeat(roles.length)}${roles.join(' ')}`);
}

export async function userRemove(call: V2Call): Promise<undefined> {
  const user = onlyArgument(call, usernameWanted);
  const auth = await call.auth();
  await orRefuse('', () => auth.removeUser(user, call.deadline));
  call.writeLine(`User ${user} removed`);
}

export async function userPasswd(call: V2Call): Promise<undefined> {
  const user = onlyArgument(call, usernameWanted);
  const auth = await call.auth();
  const password = await newPassword(call.host);
  await orRefuse('', () => auth.putUser(user, password, call.deadline));
  call.writeLine('Password updated');
}

export async function userGrant(call: V2Call): Promise<undefined> {
  await changeRole(call, 'grantRole');
}

export async function userRevoke(call: V2Call): Promise<undefined> {
  await changeRole(call, 'revokeRole');
}

async function changeRole(call: V2Call, method: 'grantRole' | 'revokeRole'): Promise<void> {
  const role = call.flags.get(options.roles);
  if (role === '') throw refused('No roles specified; please use `--roles`');
  const user = onlyArgument(call, usernameWanted);
  const auth = await call.auth();
  await orRefuse('', () => auth[method](user, role, call.deadline));
  call.writeLine(`User ${user} updated`);
}

/** Asked for on a terminal, else the first line of standard input. */
async function newPassword({ stdin }: Host): Promise<string> {
  if (stdin.isTerminal) return await stdin.readSecret('New password: ');
  const pieces: Uint8Array[] = [];
  for await (const piece of stdin.bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString().split('\n')[0] ?? '';
}
