import { Histogram } from './histogram.ts';
import type { TextExposition } from './text-exposition.ts';

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
  /** etcd_server_go_version: the runtime, here Node's version; empty when not a process of its own. */
  runtimeVersion = '';
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
  readonly rangeSeconds = Histogram.exponential(0.0001, 2, 20);
  /** etcd_server_range_duration_seconds{success="false"} */
  readonly failedRangeSeconds = Histogram.exponential(0.0001, 2, 20);
  readonly #apply = new Map<string, OperationSeries>();
  readonly #request = new Map<string, OperationSeries>();

  /**
   * etcd_server_apply_duration_seconds of one operation (`Put`, `DeleteRange`, `Txn`, …). Creates the series, so look
   * it up once and keep it.
   */
  applySeconds(op: string, success: boolean): Histogram {
    return histogramOf(this.#apply, op, success, () => Histogram.exponential(0.0001, 2, 20));
  }

  /** etcd_server_request_duration_seconds of one request type (`Put`, `Range`, …); keep what it returns. */
  requestSeconds(type: string, success: boolean): Histogram {
    return histogramOf(this.#request, type, success, () => Histogram.exponential(0.001, 2, 14));
  }

  write(out: TextExposition): void {
    this.#writeIdentity(out);
    this.#writeConsensus(out);
    this.#writeRequests(out);
  }

  #writeIdentity(out: TextExposition): void {
    const label = (family: string, help: string, name: string, value: string) => {
      out.open(family, 'gauge', help);
      if (value !== '') {
        out.sample({ [name]: value }, 1);
      }
    };
    label('etcd_server_id', 'Id of this member, as a label.', 'server_id', this.serverId);
    label(
      'etcd_cluster_version',
      'Version of the cluster, as a label.',
      'cluster_version',
      this.clusterVersion,
    );
    label(
      'etcd_server_go_version',
      'Runtime of the server, as a label.',
      'server_go_version',
      this.runtimeVersion,
    );
    out.gauge('etcd_server_quota_backend_bytes', 'Quota of the store.', this.quotaBackendBytes);
    out.gauge('etcd_debugging_auth_revision', 'Revision of the auth store.', this.authRevision);
    out.open('etcd_debugging_server_alarms', 'gauge', 'Alarms that are raised.');
    for (const { serverId, alarmType } of this.alarms) {
      out.sample({ server_id: serverId, alarm_type: alarmType }, 1);
    }
    out.gauge('os_fd_limit', 'Files the process may have open.', this.fdLimit);
    out.gauge('os_fd_used', 'Files the process has open.', this.fdUsed);
  }

  #writeConsensus(out: TextExposition): void {
    out.gauge('etcd_server_has_leader', 'Whether a leader is known: 1 is yes.', this.hasLeader);
    out.gauge('etcd_server_is_leader', 'Whether this member leads: 1 is yes.', this.isLeader);
    out.gauge(
      'etcd_server_is_learner',
      'Whether this member is a learner: 1 is yes.',
      this.isLearner,
    );
    out.counter(
      'etcd_server_leader_changes_seen_total',
      'Changes of leader seen.',
      this.leaderChangesSeenTotal,
    );
    out.gauge(
      'etcd_server_proposals_committed_total',
      'Proposals committed.',
      this.proposalsCommitted,
    );
    out.gauge('etcd_server_proposals_applied_total', 'Proposals applied.', this.proposalsApplied);
    out.gauge(
      'etcd_server_proposals_pending',
      'Proposals that wait to be committed.',
      this.proposalsPending,
    );
    out.counter(
      'etcd_server_proposals_failed_total',
      'Proposals that failed.',
      this.proposalsFailedTotal,
    );
    out.counter(
      'etcd_server_heartbeat_send_failures_total',
      'Heartbeats that left too late.',
      this.heartbeatSendFailuresTotal,
    );
    out.counter(
      'etcd_server_read_indexes_failed_total',
      'Read index rounds that failed.',
      this.readIndexesFailedTotal,
    );
    out.counter(
      'etcd_server_slow_read_indexes_total',
      'Read index rounds that took too long.',
      this.slowReadIndexesTotal,
    );
    out.counter('etcd_server_slow_apply_total', 'Applies that took too long.', this.slowApplyTotal);
    out.gauge(
      'etcd_server_snapshot_apply_in_progress_total',
      'Whether a snapshot is being applied: 1 is yes.',
      this.snapshotApplyInProgress,
    );
  }

  #writeRequests(out: TextExposition): void {
    out.open('etcd_server_client_requests_total', 'counter', 'Requests of clients.');
    out.sample({ type: 'unary', client_api_version: 'unknown' }, this.unaryRequestsTotal);
    out.sample({ type: 'stream', client_api_version: 'unknown' }, this.streamRequestsTotal);
    out.open('etcd_server_range_duration_seconds', 'histogram', 'Time of a range.');
    out.buckets({ success: 'true' }, this.rangeSeconds);
    out.buckets({ success: 'false' }, this.failedRangeSeconds);
    out.open('etcd_server_apply_duration_seconds', 'histogram', 'Time to apply an operation.');
    for (const { operation, success, histogram } of this.#apply.values()) {
      out.buckets({ version: 'v3', op: operation, success }, histogram);
    }
    out.open(
      'etcd_server_request_duration_seconds',
      'histogram',
      'Time of a request, from proposal to answer.',
    );
    for (const { operation, success, histogram } of this.#request.values()) {
      out.buckets({ type: operation, success }, histogram);
    }
  }
}

interface OperationSeries {
  readonly operation: string;
  readonly success: string;
  readonly histogram: Histogram;
}

function histogramOf(
  all: Map<string, OperationSeries>,
  operation: string,
  success: boolean,
  create: () => Histogram,
): Histogram {
  const key = `${operation} ${success}`;
  const known = all.get(key);
  if (known !== undefined) {
    return known.histogram;
  }
  const histogram = create();
  all.set(key, { operation, success: String(success), histogram });
  return histogram;
}
