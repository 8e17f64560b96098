import type { BackupRequest } from '@kvorum/server/offline';
import type { Host } from '../host.ts';
import { consoleLog } from './console-log.ts';
import { loadOffline, onFiles } from './offline-tools.ts';
import { withProgress } from './with-progress.ts';

/** The flags of `backup`, as they were given: empty texts for those that weren't. */
export interface BackupFlags {
  readonly dataDir: string;
  readonly walDir: string;
  readonly backupDir: string;
  readonly backupWalDir: string;
  readonly withV3: boolean;
}

/**
 * Copies the data directory of an etcd, so that a new cluster can begin with it. Rejects with `ExitError`; then nothing is
 * left of the copy.
 */
export async function backupData(host: Host, flags: BackupFlags): Promise<void> {
  const request: BackupRequest = {
    // As etcd: no path is the current folder.
    dataDir: flags.dataDir || '.',
    walDir: flags.walDir || undefined,
    backupDir: flags.backupDir || '.',
    backupWalDir: flags.backupWalDir || undefined,
    withV3: flags.withV3,
  };
  await onFiles(async () => {
    const { backupMember, tools } = await loadOffline();
    const random = () => host.random();
    const logger = consoleLog(host);
    await withProgress(host, (progress) =>
      backupMember(request, { ...tools, logger, progress, random }),
    );
  });
}
