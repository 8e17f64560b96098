import { badArguments } from '../exit-error.ts';
import { booleanFlag, stringFlag } from '../flags/flag.ts';
import { defineCommand } from '../program/command.ts';
import { consoleLog } from './console-log.ts';
import { loadOffline, onMemberFolder } from './offline-tools.ts';
import { requireFlags } from './required-flag.ts';

/** The first version whose storage can be told from others. */
const minimalMinor = 5;

/** Checks its flags and the folder: Kvorum's storage has one format for all versions. */
export const migrate = defineCommand({
  use: 'migrate',
  long: `Checks that a data directory suits a version of the API. The storage of Kvorum has one format for all of them, so nothing
is changed; directories of etcd are left to etcdutl.`,
  flags: {
    'data-dir': stringFlag('Path to the etcd data dir'),
    force: booleanFlag('Accepted as etcdutl does, and without effect'),
    'target-version': stringFlag('Target etcd version to migrate contents of data dir to'),
  },
  run: async (invocation) => {
    const isGiven = (name: string) => invocation.isGiven(name as 'data-dir');
    requireFlags(isGiven, ['data-dir', 'target-version']);
    checkTarget(invocation.flags['target-version']);
    await onMemberFolder(invocation, async () => {
      const { tools, withMemberStore } = await loadOffline();
      await withMemberStore(invocation.flags['data-dir'], tools, async () => {});
    });
    consoleLog(invocation.host).info('the storage is the same for all versions', {
      'target-version': invocation.flags['target-version'],
    });
  },
});

function checkTarget(target: string): void {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(target) ?? [];
  if (major === undefined || minor === undefined) {
    const shown = JSON.stringify(target);
    throw badArguments(`wrong target version format, expected "X.Y", got ${shown}`);
  }
  if (Number(major) < 3 || (Number(major) === 3 && Number(minor) < minimalMinor)) {
    throw badArguments(`target version "${target}" not supported. Minimal "3.${minimalMinor}"`);
  }
}
