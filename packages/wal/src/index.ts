export type { TornTail, WalContents } from './chain.ts';
export { crc32c } from './crc32c.ts';
export type { Disk, DiskFile, DiskLock, OpenOptions } from './disk.ts';
export { WalError, type WalErrorCode, type WalErrorDetails } from './errors.ts';
export { InvariantError } from './invariant.ts';
export { nodeDisk } from './node-disk.ts';
export type { EntryRecord, SnapshotRecord, StateRecord, WalRecord } from './record.ts';
export { DEFAULT_SEGMENT_BYTES, type Segment } from './segment.ts';
export {
  type LoadedSnapshot,
  loadNewestSnapshot,
  type SnapshotFile,
  saveSnapshot,
} from './snapshot/snap-file.ts';
export {
  type OpenedWal,
  readWal,
  Wal,
  type WalCreateOptions,
  type WalOpenOptions,
  type WalOptions,
} from './wal.ts';
