import { defineCommand } from '../../program/command.ts';
import { apiLevel, etcdctlVersion } from '../../version.ts';

/** Says which etcdctl it stands for. */
export const version = defineCommand({
  use: 'version',
  flags: {},
  run: async (invocation) => {
    invocation.writeLine(`etcdctl version: ${etcdctlVersion}`);
    invocation.writeLine(`API version: ${apiLevel}`);
  },
});
