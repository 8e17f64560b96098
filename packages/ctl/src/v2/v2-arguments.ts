import type { V2Call } from './v2-command.ts';
import { missing, v2ExitCodes, v2Failure } from './v2-errors.ts';

/** The first argument. */
export function keyArgument(call: V2Call): string {
  const [key] = call.args;
  if (key === undefined) throw missing('key');
  return key;
}

/** The second argument, or all of standard input. */
export async function valueArgument(call: V2Call): Promise<string> {
  const [, value] = call.args;
  if (value !== undefined) return value;
  const pieces: Uint8Array[] = [];
  for await (const piece of call.host.stdin.bytes) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  if (text === '') throw missing('value');
  return text;
}

/** Waits for a call to the keys API. Rejects with `ExitError`. */
export async function callKeys<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw v2Failure(v2ExitCodes.serverError, error);
  }
}
