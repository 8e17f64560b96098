import { create } from '@bufbuild/protobuf';
import { type DeleteRangeRequest, DeleteRangeRequestSchema } from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag, type FlagValues } from '../../flags/flag.ts';
import type { Host } from '../../host.ts';
import { goQuote } from '../../output/go-quote.ts';
import { keySpan, refuseBoth } from './key-span.ts';

export const delFlags = {
  'from-key': booleanFlag(
    'delete keys that are greater than or equal to the given key using byte compare',
  ),
  prefix: booleanFlag('delete keys with matching prefix'),
  'prev-kv': booleanFlag('return deleted key-value pairs'),
  range: booleanFlag('delete range of keys'),
};

/** Time to think better of a range without --range, in ms. */
const graceMs = 2000;

/** What `del` asks for; a range without --range is warned of and waited for. Rejects with `ExitError`. */
export async function deleteRequest(
  args: readonly string[],
  flags: FlagValues<typeof delFlags>,
  host: Host,
): Promise<DeleteRangeRequest> {
  const [from = '', to] = args;
  if (args.length === 0 || args.length > 2) {
    throw badArguments(
      'del command needs one argument as key and an optional argument as range_end',
    );
  }
  refuseBoth(flags);
  const span = keySpan(args, flags);
  if (to !== undefined && !flags.range) {
    host.stderr.write(
      `Warning: Keys between ${goQuote(from)} and ${goQuote(to)} will be deleted. ` +
        'Please interrupt the command within next 2 seconds to cancel. ' +
        'You can provide `--range` flag to avoid the delay.\n',
    );
    await new Promise<void>((resolve) => void host.after(graceMs, resolve));
  }
  return create(DeleteRangeRequestSchema, { ...span, prevKv: flags['prev-kv'] });
}
