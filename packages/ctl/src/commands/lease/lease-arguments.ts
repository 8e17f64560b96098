import { badArguments } from '../../exit-error.ts';
import { parseHexInt64 } from '../../flags/go-number.ts';

/** The lease id that is a command's only argument. Throws `ExitError`, with `usage` when there is none. */
export function onlyLeaseId(args: readonly string[], usage: string): bigint {
  const [text, ...more] = args;
  if (text === undefined || more.length > 0) throw badArguments(usage);
  try {
    return parseHexInt64(text);
  } catch (error) {
    throw badArguments(`bad lease ID arg (${(error as Error).message}), expecting ID in Hex`);
  }
}
