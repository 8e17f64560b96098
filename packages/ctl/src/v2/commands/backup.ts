import { backupData } from '../../utl/backup-data.ts';
import type { V2Call } from '../v2-command.ts';
import { options } from '../v2-options.ts';

/** Copies the data directory of an etcd. Rejects with `ExitError`. */
export async function backup({ host, flags }: V2Call): Promise<undefined> {
  await backupData(host, {
    dataDir: flags.get(options.dataDir),
    walDir: flags.get(options.walDir),
    backupDir: flags.get(options.backupDir),
    backupWalDir: flags.get(options.backupWalDir),
    withV3: flags.get(options.withV3),
  });
}
