import { Histogram } from './histogram.ts';

/** The store, its watchers, compaction and leases. Set gauges, add to counters (the names ending in `Total`). */
export class MvccMetrics {
  /** etcd_mvcc_range_total */
  rangeTotal = 0;
  /** etcd_mvcc_put_total */
  putTotal = 0;
  /** etcd_mvcc_delete_total */
  deleteTotal = 0;
  /** etcd_mvcc_txn_total */
  txnTotal = 0;
  /** etcd_mvcc_db_total_size_in_bytes */
  dbTotalSizeBytes = 0;
  /** etcd_mvcc_db_total_size_in_use_in_bytes */
  dbInUseSizeBytes = 0;
  /** etcd_mvcc_db_open_read_transactions */
  openReadTransactions = 0;
  /** etcd_mvcc_hash_duration_seconds */
  readonly hashSeconds = new Histogram(0.01, 2, 15);
  /** etcd_mvcc_hash_rev_duration_seconds */
  readonly hashRevSeconds = new Histogram(0.01, 2, 15);
  /** etcd_debugging_mvcc_keys_total, a gauge. */
  keyCount = 0;
  /** etcd_debugging_mvcc_current_revision */
  currentRevision = 0;
  /** etcd_debugging_mvcc_compact_revision */
  compactRevision = 0;
  /** etcd_debugging_mvcc_total_put_size_in_bytes, a gauge. */
  putSizeBytes = 0;
  /** etcd_debugging_mvcc_events_total */
  eventsTotal = 0;
  /** etcd_debugging_mvcc_pending_events_total, a gauge. */
  pendingEvents = 0;
  /** etcd_debugging_mvcc_watch_stream_total, a gauge. */
  watchStreams = 0;
  /** etcd_debugging_mvcc_watcher_total, a gauge. */
  watchers = 0;
  /** etcd_debugging_mvcc_slow_watcher_total, a gauge. */
  slowWatchers = 0;
  /** etcd_debugging_mvcc_db_compaction_keys_total */
  compactionKeysTotal = 0;
  /** etcd_debugging_mvcc_db_compaction_last, in seconds since 1970. */
  compactionLastSeconds = 0;
  /** etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds */
  readonly compactionPauseMs = new Histogram(1, 2, 13);
  /** etcd_debugging_mvcc_db_compaction_total_duration_milliseconds */
  readonly compactionTotalMs = new Histogram(100, 2, 14);
  /** etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds */
  readonly indexCompactionPauseMs = new Histogram(0.5, 2, 14);
  /** etcd_debugging_lease_granted_total */
  leaseGrantedTotal = 0;
  /** etcd_debugging_lease_renewed_total */
  leaseRenewedTotal = 0;
  /** etcd_debugging_lease_revoked_total */
  leaseRevokedTotal = 0;
  /** etcd_debugging_lease_ttl_total: TTLs granted, in seconds. */
  readonly leaseTtlSeconds = new Histogram(1, 2, 24);
  /** etcd_debugging_server_lease_expired_total */
  leaseExpiredTotal = 0;
}
