import { booleanFlag, stringFlag } from '../flags/flag.ts';
import { defineCommand } from '../program/command.ts';
import { backupData } from './backup-data.ts';
import { requireFlags } from './required-flag.ts';

/** Copies the data directory of an etcd that has keys of the v2 API, which snapshots don't have. */
export const backup = defineCommand({
  use: 'backup',
  long: `Copies the data directory of an etcd up to 3.5, with the keys of the v2 API, which no snapshot has. A new cluster begins with
the copy when etcd is started on it with --force-new-cluster. For keys of the v3 API alone use "kvctl snapshot save".`,
  flags: {
    'backup-dir': stringFlag('Path to the backup dir'),
    'backup-wal-dir': stringFlag('Path to the backup wal dir'),
    'data-dir': stringFlag('Path to the etcd data dir'),
    'wal-dir': stringFlag('Path to the etcd wal dir'),
    'with-v3': booleanFlag('Backup v3 backend data', true),
  },
  run: async (invocation) => {
    const isGiven = (name: string) => invocation.isGiven(name as 'data-dir');
    requireFlags(isGiven, ['backup-dir', 'data-dir']);
    invocation.globals();
    const { flags } = invocation;
    await backupData(invocation.host, {
      dataDir: flags['data-dir'],
      walDir: flags['wal-dir'],
      backupDir: flags['backup-dir'],
      backupWalDir: flags['backup-wal-dir'],
      withV3: flags['with-v3'],
    });
  },
});
