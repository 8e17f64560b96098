import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

/** Durable writes: the log, the storage engine, snapshots. Durations are seconds. */
export class DiskMetrics {
  /** etcd_disk_wal_fsync_duration_seconds */
  readonly walFsyncSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_disk_wal_write_duration_seconds */
  readonly walWriteSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_disk_wal_write_bytes_total, a gauge in spite of its name. */
  walWriteBytes = 0;
  /** etcd_disk_backend_commit_duration_seconds */
  readonly backendCommitSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_disk_backend_defrag_duration_seconds */
  readonly backendDefragSeconds = Histogram.exponential(0.1, 2, 13);
  /** etcd_disk_backend_snapshot_duration_seconds */
  readonly backendSnapshotSeconds = Histogram.exponential(0.01, 2, 17);
  /** etcd_disk_defrag_inflight */
  defragInflight = 0;
  /** etcd_snap_fsync_duration_seconds */
  readonly snapFsyncSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_snap_db_fsync_duration_seconds */
  readonly snapDbFsyncSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_snap_db_save_total_duration_seconds */
  readonly snapDbSaveSeconds = Histogram.exponential(0.1, 2, 10);
  /** etcd_debugging_snap_save_marshalling_duration_seconds */
  readonly snapMarshalSeconds = Histogram.exponential(0.001, 2, 14);
  /** etcd_debugging_snap_save_total_duration_seconds */
  readonly snapSaveSeconds = Histogram.exponential(0.001, 2, 14);

  write(out: TextExposition): void {
    out.histogram(
      'etcd_disk_wal_fsync_duration_seconds',
      'Time to sync the write-ahead log.',
      this.walFsyncSeconds,
    );
    out.histogram(
      'etcd_disk_wal_write_duration_seconds',
      'Time to write to the write-ahead log.',
      this.walWriteSeconds,
    );
    out.gauge(
      'etcd_disk_wal_write_bytes_total',
      'Bytes written to the write-ahead log.',
      this.walWriteBytes,
    );
    out.histogram(
      'etcd_disk_backend_commit_duration_seconds',
      'Time to commit a batch to the storage engine.',
      this.backendCommitSeconds,
    );
    out.histogram(
      'etcd_disk_backend_defrag_duration_seconds',
      'Time of a defragmentation.',
      this.backendDefragSeconds,
    );
    out.histogram(
      'etcd_disk_backend_snapshot_duration_seconds',
      'Time to write a snapshot of the store.',
      this.backendSnapshotSeconds,
    );
    out.gauge(
      'etcd_disk_defrag_inflight',
      'Whether a defragmentation runs: 1 is yes.',
      this.defragInflight,
    );
    out.histogram(
      'etcd_snap_fsync_duration_seconds',
      'Time to sync a snapshot file.',
      this.snapFsyncSeconds,
    );
    out.histogram(
      'etcd_snap_db_fsync_duration_seconds',
      'Time to sync a received snapshot of the store.',
      this.snapDbFsyncSeconds,
    );
    out.histogram(
      'etcd_snap_db_save_total_duration_seconds',
      'Time to save a received snapshot of the store.',
      this.snapDbSaveSeconds,
    );
    out.histogram(
      'etcd_debugging_snap_save_marshalling_duration_seconds',
      'Time to encode a snapshot file.',
      this.snapMarshalSeconds,
    );
    out.histogram(
      'etcd_debugging_snap_save_total_duration_seconds',
      'Time to save a snapshot file.',
      this.snapSaveSeconds,
    );
  }
}
