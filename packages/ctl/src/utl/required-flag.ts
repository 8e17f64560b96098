import { ExitError, exitCodes } from '../exit-error.ts';

/** Throws `ExitError` in cobra's words for flags that a command needs and that were not given. */
export function requireFlags(isGiven: (name: string) => boolean, names: readonly string[]): void {
  const missing = names.filter((name) => !isGiven(name)).map((name) => `"${name}"`);
  if (missing.length === 0) return;
  throw new ExitError(exitCodes.error, `required flag(s) ${missing.join(', ')} not set`);
}
