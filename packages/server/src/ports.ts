import { apiVersion } from '@kvorum/api';
import { alarmName } from './apply/alarms.ts';
import { BusyPoll } from './busy-poll.ts';
import { ClientPort } from './client-port.ts';
import type { Clock } from './clock.ts';
import type { ServerConfig } from './config/server-config.ts';
import { grpcStats } from './grpc-stats.ts';
import type { HealthSource } from './http/health.ts';
import { HttpRoutes } from './http/http-routes.ts';
import { processVars } from './http/process-vars.ts';
import type { Logger } from './logging/logger.ts';
import type { MemberCore } from './member-core.ts';
import type { MemberTls } from './member-tls.ts';
import type { Metrics } from './metrics/metrics.ts';
import { v2MetricsText } from './metrics/v2-metrics.ts';
import { MetricsPort } from './metrics-port.ts';

/** Every address that a member listens on, but those for other members. */
export interface Ports {
  /** Where clients reach it, as bound. */
  readonly clientUrls: readonly string[];
  /** What the member tells others that its client addresses are. */
  readonly advertised: readonly string[];
  close(): Promise<void>;
}

export interface PortParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tls: Pick<MemberTls, 'clients' | 'clientNames'>;
}

/** gRPC messages may be larger than the requests in them by this much, in bytes, as in etcd. */
const GRPC_OVERHEAD_BYTES = 512 * 1024;

/** Opens client and metrics listeners, or none: rejects when an address can't be bound. */
export async function openPorts(
  config: ServerConfig,
  parts: PortParts,
  core: MemberCore,
): Promise<Ports> {
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    for (const port of opened.reverse()) await port.close();
  };
  try {
    const { socketReusePort: reusePort } = config;
    const sources = {
      ...httpSources(parts, core),
      v2: config.enableV2 ? core.v2Pages() : undefined,
    };
    if (config.enableV2) parts.metrics.appendText(async () => v2MetricsText(core.v2));
    const { cors, hostWhitelist } = config;
    const client = await ClientPort.open({
      urls: config.listenClientUrls,
      httpUrls: config.listenClientHttpUrls ?? [],
      tls: parts.tls.clients,
      clientNames: parts.tls.clientNames,
      methods: core.methods,
      routes: HttpRoutes.forClients(sources, { cors, hostWhitelist }),
      transport: config.kvorumTransport,
      clock: parts.clock,
      logger: parts.logger,
      stats: grpcStats(
        parts.metrics,
        { afterMs: config.warningUnaryRequestDurationMs, logger: parts.logger },
        new BusyPoll(parts.clock, config.kvorumBusyPollMs),
      ),
      gateway: config.enableGrpcGateway,
      authEnabled: () => core.auth.access.isEnabled,
      reusePort,
      maxReceiveMessageBytes: config.maxRequestBytes + GRPC_OVERHEAD_BYTES,
      maxConcurrentStreams: config.maxConcurrentStreams,
      keepalive: {
        minTimeMs: config.grpcKeepaliveMinTimeMs,
        intervalMs: config.grpcKeepaliveIntervalMs,
        timeoutMs: config.grpcKeepaliveTimeoutMs,
      },
    });
    opened.push(client);
    const routes = HttpRoutes.forMetrics(sources);
    opened.push(
      await MetricsPort.open({
        urls: config.listenMetricsUrls,
        routes,
        reusePort,
        clock: parts.clock,
        logger: parts.logger,
        tls: parts.tls.clients,
      }),
    );
    const advertised = config.advertiseClientUrls.map((url, i) =>
      // A port chosen by the system is known only now.
      url.scheme !== 'unix' && url.port === 0 ? (client.urls[i] ?? url.href) : url.href,
    );
    return { clientUrls: client.urls, advertised, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function httpSources(parts: PortParts, core: MemberCore) {
  const health: HealthSource = {
    alarms: () => core.alarms.list(0).map(({ alarm }) => alarmName(alarm)),
    hasLeader: () => core.raftStatus().leader !== 0n,
    isLearner: () => core.isLearner,
    linearizableRead: () =>
      new Promise<void>((run, fail) => core.loop.linearizableRead({ run, fail })),
    serializableRead: async () => {
      core.store.get('health');
    },
  };
  return {
    health,
    metrics: parts.metrics,
    logger: parts.logger,
    versions: () => ({
      server: apiVersion,
      cluster: core.cluster.version,
      storage: core.cluster.version,
    }),
    debugVars: () => ({ ...processVars(), 'raft.status': core.raftStatus() }),
  };
}
