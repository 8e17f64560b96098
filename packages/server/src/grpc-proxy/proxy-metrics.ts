import { collectDefaultMetrics, Registry } from 'prom-client';
import type { BusyPoll } from '../busy-poll.ts';
import { grpcStats } from '../grpc-stats.ts';
import { silentLogger } from '../logging/logger.ts';
import { Metrics } from '../metrics/metrics.ts';
import { TextExposition } from '../metrics/text-exposition.ts';
import { ETCD_VERSION } from '../version.ts';

/** A proxy sleeps when it has nothing to do. */
const noBusyPoll: Pick<BusyPoll, 'heard' | 'answered'> = { heard() {}, answered() {} };

/** The numbers that a proxy publishes, under etcd's names. Hot paths add to plain fields. */
export class ProxyMetrics {
  /** etcd_grpc_proxy_cache_hits_total */
  cacheHits = 0;
  /** etcd_grpc_proxy_cache_misses_total */
  cacheMisses = 0;
  /** etcd_grpc_proxy_cache_keys_total */
  cacheKeys = 0;
  /** etcd_grpc_proxy_watchers_coalescing_total: watchers that cost the members nothing. */
  watchersCoalescing = 0;
  /** etcd_grpc_proxy_events_coalescing_total: events that the members did not have to send. */
  eventsCoalescing = 0;
  /** What the transport sees, in the shape of a member's. */
  readonly #calls = new Metrics({ detail: 'basic', serverVersion: ETCD_VERSION });
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  /** For the transport, once. */
  stats() {
    return grpcStats(
      this.#calls,
      { afterMs: Number.POSITIVE_INFINITY, logger: silentLogger },
      noBusyPoll,
    );
  }

  /** The Prometheus text of everything. */
  async render(): Promise<string> {
    const out = new TextExposition();
    out.gauge('etcd_grpc_proxy_cache_hits_total', 'Reads answered from the cache.', this.cacheHits);
    out.gauge('etcd_grpc_proxy_cache_keys_total', 'Answers in the cache.', this.cacheKeys);
    out.gauge(
      'etcd_grpc_proxy_cache_misses_total',
      'Serializable reads that were not in the cache.',
      this.cacheMisses,
    );
    out.counter(
      'etcd_grpc_proxy_events_coalescing_total',
      'Events that one watch brought for several watchers.',
      this.eventsCoalescing,
    );
    out.gauge(
      'etcd_grpc_proxy_watchers_coalescing_total',
      'Watchers that share the watch of another one.',
      this.watchersCoalescing,
    );
    const { network, grpc } = this.#calls;
    out.counter(
      'etcd_network_client_grpc_received_bytes_total',
      'Bytes received from gRPC clients.',
      network.clientReceivedBytes,
    );
    out.counter(
      'etcd_network_client_grpc_sent_bytes_total',
      'Bytes sent to gRPC clients.',
      network.clientSentBytes,
    );
    grpc.write(out);
    return out.toString() + (await this.#process.metrics());
  }
}
