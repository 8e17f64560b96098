import { create, toBinary } from '@bufbuild/protobuf';
import { RangeRequestSchema, WatchRequestSchema } from '@kvorum/api';
import { type ClientEnvironment, ClientError } from '@kvorum/client';
import { ClientPort } from '../client-port.ts';
import type { Clock } from '../clock.ts';
import type { HttpReply } from '../http/http-message.ts';
import type { Logger } from '../logging/logger.ts';
import { MetricsPort } from '../metrics-port.ts';
import { OpenStreams } from '../rpc/open-streams.ts';
import type { TlsListening } from '../tls/tls-listening.ts';
import { authMethods } from './auth.ts';
import { Backend } from './backend.ts';
import { clusterMethods } from './cluster.ts';
import { ProxyKv } from './kv.ts';
import { keepAliveMethod } from './lease.ts';
import { namespacedKeys, plainKeys } from './namespace.ts';
import type { GrpcProxyOptions } from './options.ts';
import { ProxyPages } from './pages.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { Registration } from './registration.ts';
import { proxyMethods } from './services.ts';
import { LeaderWatch } from './watch/leader-watch.ts';
import { SharedWatches } from './watch/shared-watches.ts';
import { proxyWatchMethod } from './watch/watch-stream.ts';

/** What a proxy reaches the world by. */
export interface GrpcProxyParts {
  readonly environment: ClientEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ProxyMetrics;
  readonly hostname: string;
  /** Towards clients; undefined: in the clear. */
  readonly tls: TlsListening | undefined;
  /** A page of the member at an endpoint. Rejects when there is none. */
  readonly fetchPage: (endpoint: string, path: string) => Promise<HttpReply>;
}

/** What a request may have beside its keys and values, in bytes. */
const REQUEST_OVERHEAD_BYTES = 512 * 1024;
/** How long /health waits for a read, and /proxy/health for a watch, in ms. */
const READ_CHECK_MS = 1000;
const WATCH_CHECK_MS = 3000;

/** What a proxy that runs has opened. */
interface OpenParts {
  readonly backend: Backend;
  readonly port: ClientPort;
  readonly metricsPort: MetricsPort | undefined;
  readonly registration: Registration | undefined;
  readonly streams: OpenStreams;
  readonly stopSync: () => void;
}

/** A server of etcd's API that passes what it is asked on to the members of a cluster. */
export class GrpcProxy {
  readonly #open: OpenParts;

  private constructor(open: OpenParts) {
    this.#open = open;
  }

  /** Resolves when it takes clients, whether or not a member can be reached. Rejects when it can't listen. */
  static async open(
    options: GrpcProxyOptions,
    endpoints: readonly string[],
    parts: GrpcProxyParts,
  ): Promise<GrpcProxy> {
    const { environment, clock, logger, metrics, hostname } = parts;
    const backend = new Backend({ endpoints, environment });
    const translation = options.namespace === '' ? plainKeys : namespacedKeys(options.namespace);
    const { advertised, resolverPrefix, isOrdered, cacheMaxAgeMs: maxAgeMs } = options;
    const cache = { maxAgeMs, nowMs: clock.nowMs };
    const kv = new ProxyKv({ backend, metrics, translation, isOrdered, cache });
    const cluster = { backend, translation, advertised, resolverPrefix, hostname };
    const onChange = (key: Uint8Array) => kv.changed(key);
    const watches = new SharedWatches({ backend, metrics, translation, onChange });
    const streams = new OpenStreams();
    const maxReceiveMessageBytes = options.maxSendBytes + REQUEST_OVERHEAD_BYTES;
    const methods = proxyMethods(backend, translation, [
      ...kv.methods(),
      ...authMethods(backend, () => kv.permissionsChanged()),
      ...clusterMethods(cluster),
      keepAliveMethod({ backend, clock, streams }),
      proxyWatchMethod({
        backend,
        watches,
        streams,
        leader: leaderWatchOf(backend, clock),
        fragmentBytes: maxReceiveMessageBytes,
      }),
    ]);
    const pages = pagesOf(backend, parts);
    let port: ClientPort | undefined;
    let metricsPort: MetricsPort | undefined;
    try {
      port = await ClientPort.open({
        urls: [options.listen],
        httpUrls: [],
        tls: parts.tls,
        gateway: true,
        methods,
        routes: pages,
        transport: 'h2',
        clock,
        logger,
        stats: metrics.stats(),
        reusePort: false,
        maxReceiveMessageBytes,
        maxConcurrentStreams: options.maxConcurrentStreams,
        keepalive: options.keepalive,
      });
      if (options.metricsListen !== undefined) {
        const urls = [options.metricsListen];
        metricsPort = await MetricsPort.open({
          urls,
          routes: pages,
          reusePort: false,
          clock,
          logger,
          tls: parts.tls,
        });
      }
    } catch (error) {
      await port?.close();
      await backend.close();
      throw error;
    }
    const [url = ''] = port.urls;
    logger.info('ready to proxy client requests', {
      address: url.replace(/^\w+:\/\//, ''),
      endpoints,
    });
    const registration = registrationOf(options, backend, parts);
    const stopSync = syncing(options, backend, parts);
    return new GrpcProxy({ backend, port, metricsPort, registration, streams, stopSync });
  }

  /** Takes no more calls, lets those that run finish for a while, and takes the registration back. */
  async stop(): Promise<void> {
    const { backend, port, metricsPort, registration, streams, stopSync } = this.#open;
    stopSync();
    await registration?.end();
    streams.stopAll();
    await Promise.all([port.close(), metricsPort?.close()]);
    await backend.close();
  }
}

function registrationOf(
  { resolverPrefix, resolverTtlSeconds, advertised, namespace }: GrpcProxyOptions,
  backend: Backend,
  { clock, hostname, logger }: GrpcProxyParts,
): Registration | undefined {
  if (resolverPrefix === '') return undefined;
  const client = backend.clientFor(undefined);
  return new Registration({
    client: namespace === '' ? client : client.namespace(namespace),
    prefix: resolverPrefix,
    ttlSeconds: resolverTtlSeconds,
    address: advertised,
    hostname,
    logger,
    after: clock.after,
  });
}

function leaderWatchOf(backend: Backend, clock: Clock): LeaderWatch {
  const path = '/etcdserverpb.Watch/Watch';
  return new LeaderWatch({
    // Without a watcher: a stream of them ends all the same.
    open: () => {
      return backend.rpc.stream(path, WatchRequestSchema, () => {}, { requireLeader: true });
    },
    endpointCount: () => backend.endpoints.length,
    clock,
  });
}

/** Looks now and then which addresses the members advertise; returns how to stop. */
function syncing(
  { autoSyncMs }: GrpcProxyOptions,
  backend: Backend,
  { clock, logger }: GrpcProxyParts,
): () => void {
  if (autoSyncMs === 0) return () => {};
  return clock.every(autoSyncMs, () => {
    backend.syncEndpoints().catch((error: unknown) => {
      logger.warn('failed to learn the addresses of the members', { error });
    });
  });
}

function pagesOf(backend: Backend, { metrics, fetchPage }: GrpcProxyParts): ProxyPages {
  const request = toBinary(
    RangeRequestSchema,
    create(RangeRequestSchema, { key: Buffer.from('a') }),
  );
  return new ProxyPages({
    metrics: () => metrics.render(),
    async memberPage(path) {
      const failures: string[] = [];
      for (const endpoint of backend.endpoints) {
        try {
          return await fetchPage(endpoint, path);
        } catch (error) {
          failures.push(`${endpoint}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      throw new Error(failures.join('; '));
    },
    async readFailure() {
      try {
        await backend.rpc.unary('/etcdserverpb.KV/Range', request, { timeoutMs: READ_CHECK_MS });
        return undefined;
      } catch (error) {
        return isDenial(error) ? undefined : `GET ERROR:${messageOf(error)}`;
      }
    },
    async watchFailure() {
      const watch = backend.clientFor(undefined).watch('a', { timeoutMs: WATCH_CHECK_MS });
      try {
        await watch.opened;
        return undefined;
      } catch (error) {
        return isDenial(error) ? undefined : `WATCH ERROR:${messageOf(error)}`;
      } finally {
        watch.close();
      }
    },
  });
}

/** A member that refuses a stranger is well. */
function isDenial(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  return error.code === 'permissionDenied' || error.code === 'userEmpty';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
