import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import { parseDecimalInt64 } from '../../flags/go-number.ts';
import { defineCommand } from '../../program/command.ts';

export const compaction = defineCommand({
  use: 'compaction [options] <revision>',
  flags: {
    physical: booleanFlag("'true' to wait for compaction to physically remove all old revisions"),
  },
  run: async (invocation) => {
    const [text, ...more] = invocation.args;
    if (text === undefined || more.length > 0)
      throw badArguments('compaction command needs 1 argument');
    const revision = revisionOf(text);
    const client = await invocation.client();
    const { physical } = invocation.flags;
    await client.kv.compact({ revision, physical }, invocation.callOptions());
    invocation.writeLine(`compacted revision ${revision}`);
  },
});

function revisionOf(text: string): bigint {
  try {
    return parseDecimalInt64(text);
  } catch (error) {
    throw new ExitError(exitCodes.error, (error as Error).message);
  }
}
