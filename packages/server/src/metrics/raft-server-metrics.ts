import { Histogram } from './histogram.ts';

/** A raised alarm, as `etcd_debugging_server_alarms` labels it. */
export interface AlarmLabel {
  /** Member id in hex. */
  readonly serverId: string;
  /** `NOSPACE` or `CORRUPT`. */
  readonly alarmType: string;
}

/** Consensus, apply and health of this member. Set gauges; add to counters (the names ending in `Total`). */
export class RaftServerMetrics {
  /** etcd_server_id: member id in hex; empty until known. */
  serverId = '';
  /** etcd_cluster_version: `3.7.0`; empty until decided. */
  clusterVersion = '';
  /** etcd_server_has_leader: 0 or 1. */
  hasLeader = 0;
  /** etcd_server_is_leader: 0 or 1. */
  isLeader = 0;
  /** etcd_server_is_learner: 0 or 1. */
  isLearner = 0;
  /** etcd_server_leader_changes_seen_total */
  leaderChangesSeenTotal = 0;
  /** etcd_server_proposals_committed_total, a gauge: the commit index. */
  proposalsCommitted = 0;
  /** etcd_server_proposals_applied_total, a gauge: the applied index. */
  proposalsApplied = 0;
  /** etcd_server_proposals_pending */
  proposalsPending = 0;
  /** etcd_server_proposals_failed_total */
  proposalsFailedTotal = 0;
  /** etcd_server_heartbeat_send_failures_total */
  heartbeatSendFailuresTotal = 0;
  /** etcd_server_read_indexes_failed_total */
  readIndexesFailedTotal = 0;
  /** etcd_server_slow_read_indexes_total */
  slowReadIndexesTotal = 0;
  /** etcd_server_slow_apply_total */
  slowApplyTotal = 0;
  /** etcd_server_snapshot_apply_in_progress_total, a gauge. */
  snapshotApplyInProgress = 0;
  /** etcd_server_quota_backend_bytes */
  quotaBackendBytes = 0;
  /** etcd_server_health_success */
  healthSuccessTotal = 0;
  /** etcd_server_health_failures */
  healthFailuresTotal = 0;
  /** os_fd_limit: files the process may have open. */
  fdLimit = 0;
  /** os_fd_used: files it has open. */
  fdUsed = 0;
  /** etcd_debugging_auth_revision */
  authRevision = 0;
  /** etcd_debugging_server_alarms: replaced as a whole when alarms change. */
  alarms: readonly AlarmLabel[] = [];
  /** etcd_server_client_requests_total{type="unary"}; the API version label is always "unknown". */
  unaryRequestsTotal = 0;
  /** etcd_server_client_requests_total{type="stream"} */
  streamRequestsTotal = 0;
  /** etcd_server_range_duration_seconds{success="true"} */
  readonly rangeSeconds = new Histogram(0.0001, 2, 20);
  /** etcd_server_range_duration_seconds{success="false"} */
  readonly failedRangeSeconds = new Histogram(0.0001, 2, 20);
  readonly #apply = new Map<string, Histogram>();
  readonly #request = new Map<string, Histogram>();

  /**
   * etcd_server_apply_duration_seconds of one operation (`Put`, `DeleteRange`, `Txn`, …). Creates the series, so look
   * it up once and keep it.
   */
  applySeconds(op: string, success: boolean): Histogram {
    return seriesOf(this.#apply, `${op}\0${success}`, () => new Histogram(0.0001, 2, 20));
  }

  /** etcd_server_request_duration_seconds of one request type (`Put`, `Range`, …); keep what it returns. */
  requestSeconds(type: string, success: boolean): Histogram {
    return seriesOf(this.#request, `${type}\0${success}`, () => new Histogram(0.001, 2, 14));
  }
}

function seriesOf(series: Map<string, Histogram>, key: string, create: () => Histogram): Histogram {
  let histogram = series.get(key);
  if (histogram === undefined) {
    histogram = create();
    series.set(key, histogram);
  }
  return histogram;
}
