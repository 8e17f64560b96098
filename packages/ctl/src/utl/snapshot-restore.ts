import { badArguments } from '../exit-error.ts';
import { booleanFlag, stringFlag, unsignedFlag } from '../flags/flag.ts';
import { defineCommand } from '../program/command.ts';
import { consoleLog } from './console-log.ts';
import { loadOffline, onFiles } from './offline-tools.ts';
import { withProgress } from './with-progress.ts';

const flags = {
  'bump-revision': unsignedFlag('How much to increase the latest revision after restore'),
  'data-dir': stringFlag('Path to the output data directory'),
  'initial-advertise-peer-urls': stringFlag(
    "List of this member's peer URLs to advertise to the rest of the cluster",
    'http://localhost:2380',
  ),
  'initial-cluster': stringFlag(
    'Initial cluster configuration for restore bootstrap',
    'default=http://localhost:2380',
  ),
  'initial-cluster-token': stringFlag(
    'Initial cluster token for the etcd cluster during restore bootstrap',
    'etcd-cluster',
  ),
  'initial-memory-map-size': unsignedFlag(
    'Accepted as etcdutl does, and without effect: nothing is mapped into memory',
  ),
  'mark-compacted': booleanFlag(
    'Mark the latest revision after restore as the point of scheduled compaction (required if --bump-revision > 0, disallowed otherwise)',
  ),
  name: stringFlag('Human-readable name for this member', 'default'),
  'skip-hash-check': booleanFlag(
    'Ignore snapshot integrity hash value (required if copied from data directory)',
  ),
  'wal-dir': stringFlag('Path to the WAL directory (use --data-dir if none given)'),
  'without-auth': booleanFlag(
    'Turn authentication off in what is restored, such as when the password of root is lost; users and roles are kept',
  ),
};

/** Makes a data directory from a snapshot of etcd or of Kvorum. */
export const snapshotRestore = defineCommand({
  use: 'restore <filename> --data-dir {output dir} [options]',
  flags,
  run: async (invocation) => {
    const { args, host } = invocation;
    const [path] = args;
    if (path === undefined || args.length !== 1) {
      throw badArguments('snapshot restore requires exactly one argument');
    }
    const given = invocation.flags;
    const bump = given['bump-revision'];
    const markCompacted = given['mark-compacted'];
    if (bump > 0n !== markCompacted) {
      throw badArguments('--mark-compacted required if --revision-bump > 0');
    }
    const log = consoleLog(host);
    const restored = await onFiles(async () => {
      const { restoreSnapshot, tools } = await loadOffline();
      const request = {
        path,
        dataDir: given['data-dir'] || `${given.name}.etcd`,
        walDir: given['wal-dir'] || undefined,
        name: given.name,
        initialCluster: given['initial-cluster'],
        initialClusterToken: given['initial-cluster-token'],
        initialAdvertisePeerUrls: given['initial-advertise-peer-urls'],
        skipHashCheck: given['skip-hash-check'],
        bumpRevision: Number(bump),
        markCompacted,
        withoutAuth: given['without-auth'],
      };
      return await withProgress(host, (progress) =>
        restoreSnapshot(request, { ...tools, logger: log, progress }),
      );
    });
    const { revision, revisions, leases, users, roles, isAuthEnabled } = restored;
    log.info('the member starts at this revision', { revision, changes: revisions, leases });
    if (isAuthEnabled) log.info('clients are asked for their user', { users, roles });
    else if (users > 0) {
      log.warn('there are users, but authentication is off: everybody may do everything', {
        users,
        roles,
      });
    }
  },
});
