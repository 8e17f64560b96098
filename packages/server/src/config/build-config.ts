import { findHostless, isWildcard, requireBindable } from './address-rules.ts';
import { parseAuthToken } from './auth-token.ts';
import { parseAutoCompaction } from './auto-compaction.ts';
import { ConfigError } from './config-error.ts';
import type { EndpointUrl } from './endpoint-url.ts';
import { flagTable } from './flag-table.ts';
import type { FlagValues } from './flag-values.ts';
import { initialClusterOf, parseInitialCluster } from './initial-cluster.ts';
import { readDiscovery } from './read-discovery.ts';
import { requireTls } from './secure-urls.ts';
import type { InitialMember, ServerConfig } from './server-config.ts';
import { readTls } from './tls-flags.ts';

/** What the defaults depend on besides the flags. */
export interface ConfigSurroundings {
  /** An address others may reach this machine at; undefined when it has only loopback. */
  readonly defaultHost: string | undefined;
  /** Whether the values come from a config file, where the advertised client URLs need no repeating. */
  readonly fromFile: boolean;
}

const maxElectionTimeoutMs = 50_000;
const defaultSnapshotCount = 10_000;
const defaultQuotaBytes = 2 * 1024 ** 3;
const defaultProgressNotifyMs = 600_000;
const minProgressNotifyMs = 100;
const defaultCompactionBatchLimit = 1000;
const defaultCompactionSleepMs = 10;

/** Checks the values as a whole and fills in what depends on others. Throws `ConfigError`, in etcd's words. */
export function buildConfig(values: FlagValues, around: ConfigSurroundings): ServerConfig {
  refuseUnsupported(values);
  const name = values.text('name');
  const listenClientHttpUrls = values.urls('listen-client-http-urls');
  const walDir = values.text('wal-dir');
  const peerLocalAddress = values.text('kvorum-peer-local-address');
  const discovery = readDiscovery(values);
  const addresses = resolveAddresses(values, around, discovery !== undefined);
  const tls = readTls(values);
  requireTls({ ...addresses, ...tls, listenClientHttpUrls });
  return {
    name,
    dataDir: values.text('data-dir') || `${name}.etcd`,
    ...(walDir === '' ? {} : { walDir }),
    snapshotCount: values.integer('snapshot-count') || defaultSnapshotCount,
    snapshotCatchupEntries: values.integer('snapshot-catchup-entries'),
    ...readTicks(values),
    initialElectionTickAdvance: values.bool('initial-election-tick-advance'),
    maxWals: values.integer('max-wals'),
    ...addresses,
    ...tls,
    ...(listenClientHttpUrls.length === 0 ? {} : { listenClientHttpUrls }),
    socketReusePort: values.bool('socket-reuse-port'),
    socketReuseAddress: values.bool('socket-reuse-address'),
    cors: values.list('cors'),
    hostWhitelist: values.list('host-whitelist'),
    enableGrpcGateway: values.bool('enable-grpc-gateway'),
    enableV2: values.bool('enable-v2'),
    initialClusterToken: values.text('initial-cluster-token'),
    ...(discovery === undefined ? {} : { discovery }),
    initialClusterState: values.choice('initial-cluster-state', ['new', 'existing']),
    preVote: values.bool('pre-vote'),
    strictReconfigCheck: values.bool('strict-reconfig-check'),
    maxLearners: values.integer('max-learners'),
    ...readLimits(values),
    authToken: parseAuthToken(values.text('auth-token'), values.integer('auth-token-ttl')),
    bcryptCost: values.integer('bcrypt-cost'),
    ...readUpkeep(values),
    ...readObservability(values),
    forceNewCluster: values.bool('force-new-cluster'),
    unsafeNoFsync: values.bool('unsafe-no-fsync'),
    kvorumTransport: values.choice('kvorum-transport', ['h2', 'node-http2']),
    kvorumBusyPollMs: values.integer('kvorum-busy-poll-us') / 1000,
    ...(peerLocalAddress === '' ? {} : { kvorumPeerLocalAddress: peerLocalAddress }),
    kvorumStopWithStdin: values.bool('kvorum-stop-with-stdin'),
    kvorumCacheBytes: values.integer('kvorum-cache-bytes'),
    kvorumEngine: values.choice('kvorum-engine', ['rocksdb', 'memory']),
  };
}

/** What to use in the place of the proxy that etcd's v2 had. */
const proxyAdvice =
  'the proxy of the v2 API is gone, as it is in etcd: `kvorum gateway start` passes connections on to members, for ' +
  'clients of v2 and v3; `kvorum grpc-proxy start` serves those of v3';

function refuseUnsupported(values: FlagValues): void {
  const proxy = values.choice('proxy', ['off', 'readonly', 'on']);
  if (proxy !== 'off') throw new ConfigError('unsupported', `--proxy=${proxy}: ${proxyAdvice}`);
  for (const flag of flagTable) {
    if (flag.support === 'unsupported' && values.differsFromDefault(flag)) {
      const message = `--${flag.name} is not supported yet by this version of Kvorum`;
      throw new ConfigError('unsupported', message);
    }
  }
}

function readTicks(values: FlagValues) {
  const heartbeatIntervalMs = values.integer('heartbeat-interval');
  const electionTimeoutMs = values.integer('election-timeout');
  if (heartbeatIntervalMs === 0) {
    throw new ConfigError('invalid', '--heartbeat-interval must be >0 (set to 0ms)');
  }
  if (electionTimeoutMs === 0) {
    throw new ConfigError('invalid', '--election-timeout must be >0 (set to 0ms)');
  }
  if (5 * heartbeatIntervalMs > electionTimeoutMs) {
    throw new ConfigError(
      'invalid',
      `--election-timeout[${electionTimeoutMs}ms] should be at least as 5 times as ` +
        `--heartbeat-interval[${heartbeatIntervalMs}ms]`,
    );
  }
  if (electionTimeoutMs > maxElectionTimeoutMs) {
    throw new ConfigError(
      'invalid',
      `--election-timeout[${electionTimeoutMs}ms] is too long, and should be set less than ` +
        `${maxElectionTimeoutMs}ms`,
    );
  }
  return { heartbeatIntervalMs, electionTimeoutMs };
}

function readLimits(values: FlagValues) {
  const quota = values.integer('quota-backend-bytes');
  return {
    maxTxnOps: values.integer('max-txn-ops'),
    maxRequestBytes: values.integer('max-request-bytes'),
    maxConcurrentStreams: values.integer('max-concurrent-streams'),
    quotaBackendBytes: quota < 0 ? Number.POSITIVE_INFINITY : quota || defaultQuotaBytes,
    grpcKeepaliveMinTimeMs: values.durationMs('grpc-keepalive-min-time'),
    grpcKeepaliveIntervalMs: values.durationMs('grpc-keepalive-interval'),
    grpcKeepaliveTimeoutMs: values.durationMs('grpc-keepalive-timeout'),
  };
}

function readUpkeep(values: FlagValues) {
  const notifyMs = values.durationMs('watch-progress-notify-interval');
  if (notifyMs !== 0 && notifyMs < minProgressNotifyMs) {
    const message = `--watch-progress-notify-interval must be at least ${minProgressNotifyMs}ms`;
    throw new ConfigError('invalid', message);
  }
  return {
    autoCompaction: parseAutoCompaction(
      values.text('auto-compaction-mode'),
      values.text('auto-compaction-retention'),
    ),
    compactionBatchLimit: values.integer('compaction-batch-limit') || defaultCompactionBatchLimit,
    compactionSleepIntervalMs:
      values.durationMs('compaction-sleep-interval') || defaultCompactionSleepMs,
    watchProgressNotifyIntervalMs: notifyMs || defaultProgressNotifyMs,
  };
}

function readObservability(values: FlagValues) {
  const logOutputs = values.list('log-outputs');
  if (logOutputs.length === 0 || (logOutputs.length > 1 && logOutputs.includes('default'))) {
    const message =
      '--log-outputs must be "default" alone, or a list of stderr, stdout and file paths';
    throw new ConfigError('invalid', message);
  }
  if (logOutputs.some((output) => output.startsWith('systemd/journal'))) {
    const message = '--log-outputs=systemd/journal is not supported yet by this version of Kvorum';
    throw new ConfigError('unsupported', message);
  }
  return {
    warningApplyDurationMs: values.durationMs('warning-apply-duration'),
    warningUnaryRequestDurationMs: values.durationMs('warning-unary-request-duration'),
    metrics: values.choice('metrics', ['basic', 'extensive']),
    logLevel: values.choice('log-level', ['debug', 'info', 'warn', 'error', 'panic', 'fatal']),
    logFormat: values.choice('log-format', ['json', 'console']),
    logOutputs,
  };
}

interface Addresses {
  listenPeerUrls: EndpointUrl[];
  listenClientUrls: EndpointUrl[];
  listenMetricsUrls: EndpointUrl[];
  advertiseClientUrls: EndpointUrl[];
  initialAdvertisePeerUrls: EndpointUrl[];
  initialCluster: InitialMember[];
}

function resolveAddresses(
  values: FlagValues,
  around: ConfigSurroundings,
  hasDiscovery: boolean,
): Addresses {
  const listenPeerUrls = requiredUrls(values, 'listen-peer-urls');
  const listenClientUrls = requiredUrls(values, 'listen-client-urls');
  const listenMetricsUrls = values.urls('listen-metrics-urls');
  const httpUrls = values.urls('listen-client-http-urls');
  for (const urls of [listenPeerUrls, listenClientUrls, httpUrls, listenMetricsUrls]) {
    requireBindable(urls);
  }
  const mustAdvertise = values.isGiven('listen-client-urls') && !around.fromFile;
  if (mustAdvertise && !values.isGiven('advertise-client-urls')) {
    const message =
      '--advertise-client-urls is required when --listen-client-urls is set explicitly';
    throw new ConfigError('invalid', message);
  }
  const advertiseClientUrls = requiredUrls(values, 'advertise-client-urls');
  const initialAdvertisePeerUrls = advertisedPeerUrls(values, listenPeerUrls, around);
  requireHosts('--initial-advertise-peer-urls', '"host:port"', initialAdvertisePeerUrls);
  requireHosts(
    '--advertise-client-urls',
    'in the format "host:port", "unix:/path/to/socket" or "unixs:/path/to/socket"',
    advertiseClientUrls,
  );
  const initialCluster = readInitialCluster(values, initialAdvertisePeerUrls, hasDiscovery);
  return {
    listenPeerUrls,
    listenClientUrls,
    listenMetricsUrls,
    advertiseClientUrls,
    initialAdvertisePeerUrls,
    initialCluster,
  };
}

function requiredUrls(values: FlagValues, name: string): EndpointUrl[] {
  const urls = values.urls(name);
  if (urls.length === 0) {
    throw new ConfigError('invalid', `--${name} must not be empty`);
  }
  return urls;
}

function requireHosts(flag: string, format: string, urls: readonly EndpointUrl[]): void {
  const hostless = findHostless(urls);
  if (hostless !== undefined) {
    const shown = urls.map((url) => JSON.stringify(url.href)).join(' ');
    throw new ConfigError(
      'invalid',
      `${flag} [${shown}] must be ${format} (unexpected empty host (${hostless.href}))`,
    );
  }
}

/** A member that listens everywhere is announced by this machine's address, unless told otherwise. */
function advertisedPeerUrls(
  values: FlagValues,
  listenPeerUrls: readonly EndpointUrl[],
  around: ConfigSurroundings,
): EndpointUrl[] {
  const flag = 'initial-advertise-peer-urls';
  const [listen] = listenPeerUrls;
  const host = around.defaultHost;
  if (values.isGiven(flag) || host === undefined || listen === undefined || !isWildcard(listen)) {
    return requiredUrls(values, flag);
  }
  const authority = host.includes(':') ? `[${host}]` : host;
  const href = `${listen.scheme}://${authority}:${listen.port}`;
  return [{ ...listen, host, href }];
}

function readInitialCluster(
  values: FlagValues,
  peerUrls: readonly EndpointUrl[],
  hasDiscovery: boolean,
): InitialMember[] {
  const name = values.text('name');
  // As in etcd: a name alone is enough to found a cluster of one; the default name goes with the default cluster.
  // With discovery this is all that a member knows at first.
  const isGiven = values.isGiven('initial-cluster') && !hasDiscovery;
  const text = isGiven ? values.text('initial-cluster') : initialClusterOf(name, peerUrls);
  return parseInitialCluster(text);
}
