import { ClientError } from '@kvorum/client';
import { exitCodes } from '../../exit-error.ts';
import { goDuration } from '../../output/go-text.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import { clusterFlags, wantedEndpoints } from './endpoints-of-cluster.ts';

export const defrag = defineCommand({
  use: 'defrag',
  flags: clusterFlags,
  run: async (invocation) => {
    const { host } = invocation;
    let hasFailed = false;
    for (const endpoint of await wantedEndpoints(invocation)) {
      const client = await invocation.clientOf([endpoint]);
      const startMs = host.now();
      const took = () => goDuration(host.now() - startMs);
      try {
        await client.maintenance.defragment({}, invocation.callOptions());
        invocation.writeLine(`Finished defragmenting etcd member[${endpoint}]. took ${took()}`);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        hasFailed = true;
        const what = `Failed to defragment etcd member[${endpoint}]`;
        invocation.warn(`${what}. took ${took()}. (${errorText(error)})`);
      }
    }
    return hasFailed ? exitCodes.error : exitCodes.ok;
  },
});
