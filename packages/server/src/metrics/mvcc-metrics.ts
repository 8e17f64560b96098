import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

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
  /** etcd_mvcc_hash_duration_seconds */
  readonly hashSeconds = Histogram.exponential(0.01, 2, 15);
  /** etcd_mvcc_hash_rev_duration_seconds */
  readonly hashRevSeconds = Histogram.exponential(0.01, 2, 15);
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
  /** etcd_debugging_lease_granted_total */
  leaseGrantedTotal = 0;
  /** etcd_debugging_lease_renewed_total */
  leaseRenewedTotal = 0;
  /** etcd_debugging_lease_revoked_total */
  leaseRevokedTotal = 0;
  /** etcd_debugging_lease_ttl_total: TTLs granted, in seconds. */
  readonly leaseTtlSeconds = Histogram.exponential(1, 2, 24);
  /** etcd_debugging_server_lease_expired_total */
  leaseExpiredTotal = 0;

  write(out: TextExposition): void {
    this.#writeStore(out);
    this.#writeDebugging(out);
    this.#writeLeases(out);
  }

  #writeStore(out: TextExposition): void {
    out.counter('etcd_mvcc_range_total', 'Ranges read.', this.rangeTotal);
    out.counter('etcd_mvcc_put_total', 'Keys put.', this.putTotal);
    out.counter('etcd_mvcc_delete_total', 'Keys deleted.', this.deleteTotal);
    out.counter('etcd_mvcc_txn_total', 'Transactions run.', this.txnTotal);
    out.gauge(
      'etcd_mvcc_db_total_size_in_bytes',
      'Size of the store on disk.',
      this.dbTotalSizeBytes,
    );
    out.gauge(
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'Part of the size of the store that holds data.',
      this.dbInUseSizeBytes,
    );
    out.histogram(
      'etcd_mvcc_hash_duration_seconds',
      'Time to hash the whole store.',
      this.hashSeconds,
    );
    out.histogram(
      'etcd_mvcc_hash_rev_duration_seconds',
      'Time to hash the store up to a revision.',
      this.hashRevSeconds,
    );
  }

  #writeDebugging(out: TextExposition): void {
    out.gauge('etcd_debugging_mvcc_keys_total', 'Keys that exist.', this.keyCount);
    out.gauge(
      'etcd_debugging_mvcc_current_revision',
      'Revision of the store.',
      this.currentRevision,
    );
    out.gauge(
      'etcd_debugging_mvcc_compact_revision',
      'Revision of the last compaction.',
      this.compactRevision,
    );
    out.gauge(
      'etcd_debugging_mvcc_total_put_size_in_bytes',
      'Bytes of all keys and values put.',
      this.putSizeBytes,
    );
    out.counter('etcd_debugging_mvcc_events_total', 'Events sent to watchers.', this.eventsTotal);
    out.gauge(
      'etcd_debugging_mvcc_pending_events_total',
      'Events that wait to be sent to watchers.',
      this.pendingEvents,
    );
    out.gauge(
      'etcd_debugging_mvcc_watch_stream_total',
      'Watch streams that are open.',
      this.watchStreams,
    );
    out.gauge('etcd_debugging_mvcc_watcher_total', 'Watchers that exist.', this.watchers);
    out.gauge(
      'etcd_debugging_mvcc_slow_watcher_total',
      'Watchers that lag behind the store.',
      this.slowWatchers,
    );
  }

  #writeLeases(out: TextExposition): void {
    out.counter('etcd_debugging_lease_granted_total', 'Leases granted.', this.leaseGrantedTotal);
    out.counter(
      'etcd_debugging_lease_renewed_total',
      'Leases renewed by the leader.',
      this.leaseRenewedTotal,
    );
    out.counter('etcd_debugging_lease_revoked_total', 'Leases revoked.', this.leaseRevokedTotal);
    out.histogram(
      'etcd_debugging_lease_ttl_total',
      'TTLs of granted leases, in seconds.',
      this.leaseTtlSeconds,
    );
    out.counter(
      'etcd_debugging_server_lease_expired_total',
      'Leases that expired.',
      this.leaseExpiredTotal,
    );
  }
}
