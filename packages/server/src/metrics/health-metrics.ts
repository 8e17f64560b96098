import type { TextExposition } from './text-exposition.ts';

interface CheckCounts {
  readonly type: string;
  readonly name: string;
  healthy: boolean;
  successes: number;
  errors: number;
}

/** Outcomes of the health paths. */
export class HealthMetrics {
  /** etcd_server_health_success: answers of /health with status 200. */
  successTotal = 0;
  /** etcd_server_health_failures: answers of /health with status 503. */
  failuresTotal = 0;
  readonly #checks = new Map<string, CheckCounts>();

  /** Notes one run of a check of /livez or /readyz. */
  recordCheck(type: 'livez' | 'readyz', name: string, healthy: boolean): void {
    const key = `${type}/${name}`;
    let check = this.#checks.get(key);
    if (check === undefined) {
      check = { type, name, healthy, successes: 0, errors: 0 };
      this.#checks.set(key, check);
    }
    check.healthy = healthy;
    if (healthy) {
      check.successes += 1;
    } else {
      check.errors += 1;
    }
  }

  write(out: TextExposition): void {
    out.counter('etcd_server_health_success', 'Successful answers of /health.', this.successTotal);
    out.counter('etcd_server_health_failures', 'Failed answers of /health.', this.failuresTotal);
    const checks = [...this.#checks.values()];
    out.open(
      'etcd_server_healthcheck',
      'gauge',
      'Result of the last run of a check: 1 is healthy.',
    );
    for (const { type, name, healthy } of checks) {
      out.sample({ type, name }, Number(healthy));
    }
    out.open('etcd_server_healthchecks_total', 'counter', 'Runs of a check by outcome.');
    for (const { type, name, successes, errors } of checks) {
      out.sample({ type, name, status: 'success' }, successes);
      out.sample({ type, name, status: 'error' }, errors);
    }
  }
}
