import { Histogram } from './histogram.ts';

/** Durable writes: the log, the storage engine, snapshots. Durations are seconds. */
export class DiskMetrics {
  /** etcd_disk_wal_fsync_duration_seconds */
  readonly walFsyncSeconds = new Histogram(0.001, 2, 14);
  /** etcd_disk_wal_write_duration_seconds */
  readonly walWriteSeconds = new Histogram(0.001, 2, 14);
  /** etcd_disk_wal_write_bytes_total */
  walWriteBytes = 0;
  /** etcd_disk_backend_commit_duration_seconds */
  readonly backendCommitSeconds = new Histogram(0.001, 2, 14);
  /** etcd_disk_backend_defrag_duration_seconds */
  readonly backendDefragSeconds = new Histogram(0.1, 2, 13);
  /** etcd_disk_backend_snapshot_duration_seconds */
  readonly backendSnapshotSeconds = new Histogram(0.01, 2, 17);
  /** etcd_disk_defrag_inflight */
  defragInflight = 0;
  /** etcd_snap_fsync_duration_seconds */
  readonly snapFsyncSeconds = new Histogram(0.001, 2, 14);
  /** etcd_snap_db_fsync_duration_seconds */
  readonly snapDbFsyncSeconds = new Histogram(0.001, 2, 14);
  /** etcd_snap_db_save_total_duration_seconds */
  readonly snapDbSaveSeconds = new Histogram(0.1, 2, 10);
  /** etcd_debugging_snap_save_marshalling_duration_seconds */
  readonly snapMarshalSeconds = new Histogram(0.001, 2, 14);
  /** etcd_debugging_snap_save_total_duration_seconds */
  readonly snapSaveSeconds = new Histogram(0.001, 2, 14);
}
