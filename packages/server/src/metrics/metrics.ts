import { DiskMetrics } from './disk-metrics.ts';
import { GrpcMetrics } from './grpc-metrics.ts';
import { HealthMetrics } from './health-metrics.ts';
import { MvccMetrics } from './mvcc-metrics.ts';
import { NetworkMetrics } from './network-metrics.ts';
import { PeerMetrics } from './peer-metrics.ts';
import { RaftServerMetrics } from './raft-server-metrics.ts';
import { TextExposition } from './text-exposition.ts';

/** What `Metrics` needs to know at start. */
export interface MetricsOptions {
  /** --metrics: `extensive` adds a latency histogram per gRPC method. */
  readonly detail: 'basic' | 'extensive';
  /** etcd API level, the label of `etcd_server_version`. */
  readonly serverVersion: string;
}

/**
 * All numbers the member publishes. Hot paths add to plain fields (`metrics.mvcc.putTotal += 1`) and observe into
 * `Histogram`s; names, help and labels are attached only when somebody scrapes. Never throws on a hot path.
 */
export class Metrics {
  readonly server = new RaftServerMetrics();
  readonly disk = new DiskMetrics();
  readonly mvcc = new MvccMetrics();
  readonly network = new NetworkMetrics();
  readonly peers = new PeerMetrics();
  readonly health = new HealthMetrics();
  readonly grpc: GrpcMetrics;
  readonly serverVersion: string;
  readonly #collectors: (() => void)[] = [];
  readonly #texts: (() => Promise<string>)[] = [];

  constructor(options: MetricsOptions) {
    this.serverVersion = options.serverVersion;
    this.grpc = new GrpcMetrics(options.detail === 'extensive');
  }

  /**
   * Registers a function that runs before each scrape, for numbers which cost something to know (sizes on disk, key
   * counts): it writes them into the fields. Must be quick and must not throw.
   */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Adds a source of further lines in Prometheus' text format; they follow all others. */
  appendText(text: () => Promise<string>): void {
    this.#texts.push(text);
  }

  /** The Prometheus text of everything, for GET /metrics. */
  async render(): Promise<string> {
    for (const collect of this.#collectors) {
      collect();
    }
    const out = new TextExposition();
    out.open('etcd_server_version', 'gauge', 'Version of the server, as a label.');
    out.sample({ server_version: this.serverVersion }, 1);
    this.server.write(out);
    this.disk.write(out);
    this.mvcc.write(out);
    this.network.write(out);
    this.peers.write(out);
    this.health.write(out);
    this.grpc.write(out);
    const texts = await Promise.all(this.#texts.map((text) => text()));
    return out.toString() + texts.join('');
  }
}
