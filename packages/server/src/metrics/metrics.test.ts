import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics.ts';
import { collectProcessMetrics } from './process-metrics.ts';

/** The series of a page by name with labels; fails on lines that are neither comment nor sample. */
function seriesOf(page: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of page.trimEnd().split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) {
      continue;
    }
    const [, name = '', value] = /^([a-z0-9_]+(?:\{.*\})?) (\S+)/i.exec(line) ?? [];
    expect(name, line).not.toBe('');
    expect(series.has(name), `${name} appears twice`).toBe(false);
    series.set(name, Number(value?.replace('+Inf', 'Infinity')));
  }
  return series;
}

function basic(): Metrics {
  return new Metrics({ detail: 'basic', serverVersion: '3.7.1' });
}

describe('Metrics', () => {
  it('publishes what components add to plain fields', async () => {
    const metrics = basic();
    metrics.mvcc.putTotal += 2;
    metrics.server.proposalsApplied = 7;
    metrics.server.serverId = '8e9e05c52164694d';
    metrics.disk.walFsyncSeconds.observe(0.0015);
    metrics.network.watchSendFailures += 1;
    metrics.server.alarms = [{ serverId: 'a', alarmType: 'NOSPACE' }];
    const series = seriesOf(await metrics.render());
    expect(series.get('etcd_mvcc_put_total')).toBe(2);
    expect(series.get('etcd_server_proposals_applied_total')).toBe(7);
    expect(series.get('etcd_server_id{server_id="8e9e05c52164694d"}')).toBe(1);
    expect(series.get('etcd_server_version{server_version="3.7.1"}')).toBe(1);
    expect(series.get('etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"}')).toBe(0);
    expect(series.get('etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"}')).toBe(1);
    expect(series.get('etcd_network_server_stream_failures_total{Type="send",API="watch"}')).toBe(
      1,
    );
    expect(series.get('etcd_debugging_server_alarms{server_id="a",alarm_type="NOSPACE"}')).toBe(1);
  });

  it.each([
    ['etcd_server_proposals_committed_total', 'gauge'],
    ['etcd_server_proposals_applied_total', 'gauge'],
    ['etcd_disk_wal_write_bytes_total', 'gauge'],
    ['etcd_debugging_mvcc_keys_total', 'gauge'],
    ['etcd_debugging_mvcc_watcher_total', 'gauge'],
    ['etcd_debugging_mvcc_pending_events_total', 'gauge'],
    ['etcd_debugging_lease_ttl_total', 'histogram'],
    ['etcd_mvcc_put_total', 'counter'],
    ['etcd_server_slow_apply_total', 'counter'],
    ['etcd_server_health_success', 'counter'],
  ])('gives %s the type etcd gives it', async (name, type) => {
    expect(await basic().render()).toContain(`# TYPE ${name} ${type}\n`);
  });

  it('publishes an unknown identity not at all, rather than empty', async () => {
    const series = seriesOf(await basic().render());
    expect([...series.keys()].filter((name) => name.startsWith('etcd_server_id'))).toEqual([]);
    expect([...series.keys()].filter((name) => name.startsWith('etcd_cluster_version'))).toEqual(
      [],
    );
  });

  it('shows every code of every gRPC method at zero before the first call', async () => {
    const metrics = basic();
    const put = metrics.grpc.register('unary', 'etcdserverpb.KV', 'Put');
    metrics.grpc.register('bidi_stream', 'etcdserverpb.Watch', 'Watch');
    const handled = (series: Map<string, number>) =>
      [...series.keys()].filter((name) => name.startsWith('grpc_server_handled_total'));
    const before = seriesOf(await metrics.render());
    expect(handled(before)).toHaveLength(2 * 17);
    put.started += 1;
    put.handled(0, 1);
    put.handled(14, 1);
    put.handled(99, 1);
    const after = seriesOf(await metrics.render());
    const labels = 'grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"';
    expect(after.get(`grpc_server_started_total{${labels}}`)).toBe(1);
    expect(after.get(`grpc_server_handled_total{grpc_code="OK",${labels}}`)).toBe(1);
    expect(after.get(`grpc_server_handled_total{grpc_code="Unavailable",${labels}}`)).toBe(1);
    expect(after.get(`grpc_server_handled_total{grpc_code="Unknown",${labels}}`)).toBe(1);
  });

  it('has latencies per method only when asked for', async () => {
    expect(await basic().render()).not.toContain('grpc_server_handling_seconds');
    const metrics = new Metrics({ detail: 'extensive', serverVersion: '3.7.1' });
    metrics.grpc.register('unary', 's', 'M').handled(0, 30);
    const series = seriesOf(await metrics.render());
    const labels = 'grpc_method="M",grpc_service="s",grpc_type="unary"';
    expect(series.get(`grpc_server_handling_seconds_bucket{${labels},le="0.025"}`)).toBe(0);
    expect(series.get(`grpc_server_handling_seconds_bucket{${labels},le="0.05"}`)).toBe(1);
  });

  it('gives one histogram per operation and outcome', async () => {
    const metrics = basic();
    const put = metrics.server.applySeconds('Put', true);
    expect(metrics.server.applySeconds('Put', true)).toBe(put);
    expect(metrics.server.applySeconds('Put', false)).not.toBe(put);
    put.observe(1);
    metrics.server.requestSeconds('Txn', true).observe(1);
    const series = seriesOf(await metrics.render());
    const apply = 'etcd_server_apply_duration_seconds_count';
    expect(series.get(`${apply}{version="v3",op="Put",success="true"}`)).toBe(1);
    expect(
      series.get('etcd_server_request_duration_seconds_count{type="Txn",success="true"}'),
    ).toBe(1);
  });

  it('asks for costly numbers only when somebody looks', async () => {
    const metrics = basic();
    let asked = 0;
    metrics.onCollect(() => {
      asked += 1;
      metrics.mvcc.keyCount = 42;
    });
    expect(asked).toBe(0);
    const series = seriesOf(await metrics.render());
    expect(asked).toBe(1);
    expect(series.get('etcd_debugging_mvcc_keys_total')).toBe(42);
  });

  it('counts the runs of health checks and keeps the last outcome', async () => {
    const metrics = basic();
    metrics.health.recordCheck('readyz', 'linearizable_read', true);
    metrics.health.recordCheck('readyz', 'linearizable_read', false);
    const series = seriesOf(await metrics.render());
    const labels = 'type="readyz",name="linearizable_read"';
    expect(series.get(`etcd_server_healthcheck{${labels}}`)).toBe(0);
    expect(series.get(`etcd_server_healthchecks_total{${labels},status="success"}`)).toBe(1);
    expect(series.get(`etcd_server_healthchecks_total{${labels},status="error"}`)).toBe(1);
  });
});

describe('collectProcessMetrics', () => {
  it('adds the process and its file descriptors to the page', async () => {
    const metrics = basic();
    collectProcessMetrics(metrics);
    const series = seriesOf(await metrics.render());
    expect(series.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(series.get(`etcd_server_go_version{server_go_version="${process.version}"}`)).toBe(1);
    if (process.platform === 'linux') {
      expect(series.get('os_fd_limit')).toBeGreaterThan(10);
      expect(series.get('os_fd_used')).toBeGreaterThan(2);
    }
  });
});
