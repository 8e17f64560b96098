import type { V2Call } from '../v2-command.ts';
import { PlainExit, V2CallError, v2ExitCodes } from '../v2-errors.ts';

/** Ends a command about members, users or roles: the text as it is, and exit code 1 whatever went wrong. */
export function refused(text: string): PlainExit {
  return new PlainExit(v2ExitCodes.badArguments, text);
}

/** The one argument of a command. Throws with `wanted` when there are none, or more. */
export function onlyArgument(call: V2Call, wanted: string): string {
  const [argument = ''] = call.args;
  if (call.args.length !== 1) throw refused(wanted);
  return argument;
}

/** Waits for a call; one that fails ends the command with what went wrong, behind a prefix. */
export async function orRefuse<T>(prefix: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof V2CallError)) throw error;
    throw refused(`${prefix}${error.message}`);
  }
}
