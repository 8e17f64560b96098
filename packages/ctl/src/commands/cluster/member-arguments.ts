import { badArguments } from '../../exit-error.ts';
import { parseHexUint64 } from '../../flags/go-number.ts';

/** The member id that is a command's only argument. Throws `ExitError`. */
export function onlyMemberId(args: readonly string[]): bigint {
  const [text, ...more] = args;
  if (text === undefined || more.length > 0) throw badArguments('member ID is not provided');
  try {
    return parseHexUint64(text);
  } catch (error) {
    throw badArguments(`bad member ID arg (${(error as Error).message}), expecting ID in Hex`);
  }
}
