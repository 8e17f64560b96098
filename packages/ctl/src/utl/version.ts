import { defineCommand } from '../program/command.ts';
import { apiLevel, etcdctlVersion } from '../version.ts';

/** Says which etcdutl it stands for. */
export const version = defineCommand({
  use: 'version',
  flags: {},
  run: async (invocation) => {
    invocation.writeLine(`etcdutl version: ${etcdctlVersion}`);
    invocation.writeLine(`API version: ${apiLevel}`);
  },
});
