import { Counter, Registry } from 'prom-client';

/** What is counted apart. */
export type Endpoint = 'new' | 'token' | 'health';

/** Counts of requests by what they were for, under the names that discovery.etcd.io has for them. */
export class ServiceMetrics {
  readonly #registry = new Registry();
  readonly #counters: Readonly<Record<Endpoint, Counter<'code' | 'method'>>>;

  constructor() {
    const counter = (endpoint: Endpoint) => {
      return new Counter({
        name: `endpoint_${endpoint}_requests_total`,
        help: `How many /${endpoint} requests processed, partitioned by status code and HTTP method.`,
        labelNames: ['code', 'method'],
        registers: [this.#registry],
      });
    };
    this.#counters = { new: counter('new'), token: counter('token'), health: counter('health') };
  }

  count(endpoint: Endpoint, code: number, method: string): void {
    this.#counters[endpoint].inc({ code: String(code), method });
  }

  /** In Prometheus's text format, and its content type. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
