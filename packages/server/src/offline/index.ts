// What can be done to the files of members that don't run: for kvutl.

export { type Disk, nodeDisk } from '@kvorum/wal';
export { ConfigError } from '../config/config-error.ts';
export type { EngineFolders } from '../engine-folders.ts';
export type { LogFields, Logger } from '../logging/logger.ts';
export { formatId } from '../membership/ids.ts';
export { rocksDbFolders } from '../rocksdb-folders.ts';
export { DatabaseFileError, type DatabaseFileErrorCode } from '../snapshot/database-file-error.ts';
export {
  type BackedUp,
  type BackupRequest,
  type BackupTools,
  backupMember,
} from './backup/backup-member.ts';
export { type OfflineTools, withMemberStore } from './data-folder.ts';
export { type Defragmented, defragment } from './defragment.ts';
export type { StoredAuth, StoredLease, StoredMeta } from './etcd-database.ts';
export { type HashKvRequest, hashKv } from './hash-kv.ts';
export { OfflineError, type OfflineErrorCode } from './offline-error.ts';
export type { Progress, Stage } from './progress.ts';
export {
  type Restored,
  type RestoreRequest,
  type RestoreTools,
  restoreSnapshot,
} from './restore-snapshot.ts';
export { readSnapshot, readSnapshotStatus, type SnapshotContents } from './snapshot-file.ts';
export type { SnapshotStatus } from './snapshot-status.ts';
