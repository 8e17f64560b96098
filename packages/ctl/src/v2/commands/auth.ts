import type { V2Call } from '../v2-command.ts';
import { orRefuse, refused } from './refused.ts';

export async function authEnable(call: V2Call): Promise<undefined> {
  if (call.args.length > 0) throw refused('No arguments accepted');
  const auth = await call.auth();
  await orRefuse('', () => auth.enable(call.deadline));
  call.writeLine('Authentication Enabled');
}

export async function authDisable(call: V2Call): Promise<undefined> {
  if (call.args.length > 0) throw refused('No arguments accepted');
  const auth = await call.auth();
  await orRefuse('', () => auth.disable(call.deadline));
  call.writeLine('Authentication Disabled');
}
