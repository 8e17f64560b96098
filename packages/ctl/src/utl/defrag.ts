import { ExitError, exitCodes } from '../exit-error.ts';
import { stringFlag } from '../flags/flag.ts';
import { humanBytes } from '../output/go-text.ts';
import { defineCommand } from '../program/command.ts';
import { consoleLog } from './console-log.ts';
import { loadOffline, onMemberFolder } from './offline-tools.ts';
import { requireFlags } from './required-flag.ts';

/** Does for a store on disk what is left to be done: RocksDB gives space back by itself. */
export const defrag = defineCommand({
  use: 'defrag',
  long: `Finishes what compaction has begun to remove in the store of a member that does not run, and writes all of it to disk.
RocksDB gives space back by itself, so there is no other need to defragment.`,
  flags: {
    'data-dir': stringFlag('Required. Defragments a data directory not in use by etcd.'),
  },
  run: async (invocation) => {
    requireFlags((name) => invocation.isGiven(name as 'data-dir'), ['data-dir']);
    const dataDir = invocation.flags['data-dir'];
    const log = consoleLog(invocation.host);
    try {
      await onMemberFolder(invocation, async () => {
        const { defragment, tools } = await loadOffline();
        log.info('defragmenting', { path: dataDir });
        const { beforeBytes, afterBytes } = await defragment(dataDir, tools);
        log.info('finished defragmenting directory', {
          path: dataDir,
          'current-db-size-bytes': afterBytes,
          'current-db-size': humanBytes(BigInt(afterBytes)),
          'current-db-size-bytes-diff': afterBytes - beforeBytes,
        });
      });
    } catch (error) {
      if (!(error instanceof ExitError)) throw error;
      const text = `Failed to defragment etcd data[${dataDir}] (${error.message})`;
      throw new ExitError(exitCodes.error, text);
    }
  },
});
