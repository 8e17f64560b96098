import { globalFlags } from '../../flags/global-flags.ts';
import { defineCommand } from '../../program/command.ts';
import { flagLines } from '../../program/help.ts';

/** Lists what the help of a single command leaves out. */
export const options = defineCommand({
  use: 'options',
  flags: {},
  run: async (invocation) => {
    invocation.writeLine('The following options can be passed to any command:\n');
    for (const line of flagLines(globalFlags, undefined)) invocation.writeLine(line);
  },
});
