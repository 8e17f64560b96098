import { X509Certificate } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import {
  type ConnectionDiagnostics,
  nodeEnvironment,
  parseEndpoint,
  srvResolver,
  type TlsOptions,
} from '@kvorum/client';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Logger } from '../logging/logger.ts';
import { discoverMembers } from '../subcommand/discovery.ts';
import { runSubcommand } from '../subcommand/run-subcommand.ts';
import { validateServer } from '../subcommand/validate-server.ts';
import { withAutoTls } from '../tls/auto-tls.ts';
import { nodeTlsTools } from '../tls/node-tls-tools.ts';
import { TlsListening } from '../tls/tls-listening.ts';
import { hasCertificate } from '../tls/tls-settings.ts';
import { ConnectionLog } from './connection-log.ts';
import { proxyFlags } from './flags.ts';
import { GrpcProxy } from './grpc-proxy.ts';
import { pageFetcher } from './member-page.ts';
import { type BackendTls, type GrpcProxyOptions, readGrpcProxyOptions } from './options.ts';
import { ProxyMetrics } from './proxy-metrics.ts';

/** What a member may take to prove who it is, and for a page, in ms. */
const PATIENCE_MS = 5_000;

/** `kvorum grpc-proxy`: runs a proxy of etcd's API until a signal ends it, and resolves with the exit code. */
export function runGrpcProxy(args: readonly string[]): Promise<number> {
  return runSubcommand(
    {
      name: 'grpc-proxy',
      summary: "Serve etcd's API for the members of a cluster: many clients cost them little.",
      flags: proxyFlags,
      read: readGrpcProxyOptions,
      start: startProxy,
    },
    args,
  );
}

async function startProxy(options: GrpcProxyOptions, logger: Logger): Promise<GrpcProxy> {
  const tls = await readTls(options.tls);
  const discovered = await discover(options, tls, logger);
  const endpoints = discovered.length > 0 ? discovered : options.endpoints;
  if (endpoints.length === 0) throw new ConfigError('invalid', 'no endpoints found');
  for (const endpoint of endpoints) refuseItself(options, endpoint);
  const connections = new ConnectionLog(logger);
  subscribe('kvorum.client.connection', (news) => connections.note(news as ConnectionDiagnostics));
  const { dialKeepalive, maxReceiveBytes, maxSendBytes } = options;
  return await GrpcProxy.open(options, endpoints, {
    environment: nodeEnvironment({
      ...(tls === undefined ? {} : { tls }),
      keepaliveIntervalMs: dialKeepalive.intervalMs,
      keepaliveTimeoutMs: dialKeepalive.timeoutMs,
      maxReceiveBytes,
      maxSendBytes,
    }),
    clock: systemClock,
    logger,
    metrics: new ProxyMetrics(),
    hostname: hostname(),
    tls: await listenSecurely(options, logger),
    fetchPage: pageFetcher(tls, PATIENCE_MS),
  });
}

async function listenSecurely(
  { clientTls, listen, dataDir }: GrpcProxyOptions,
  logger: Logger,
): Promise<TlsListening | undefined> {
  const tools = { ...nodeTlsTools, clock: systemClock, logger };
  const settings = await withAutoTls(clientTls, [listen.host], `${dataDir}/fixtures/proxy`, tools);
  return hasCertificate(settings) ? await TlsListening.open(settings, tools) : undefined;
}

/** Undefined when nothing is said of TLS. Rejects with `ConfigError` "invalid" for a file that can't be read. */
async function readTls(files: BackendTls): Promise<TlsOptions | undefined> {
  const { certFile, keyFile, caFile, insecureSkipVerify } = files;
  if (certFile === '' && caFile === '' && !insecureSkipVerify) return undefined;
  const cert = certFile === '' ? undefined : await readPem('--cert', certFile);
  if (cert !== undefined) refuseNamed(cert, certFile);
  return {
    insecureSkipVerify,
    ...(caFile === '' ? {} : { ca: await readPem('--cacert', caFile) }),
    ...(cert === undefined ? {} : { cert }),
    ...(keyFile === '' ? {} : { key: await readPem('--key', keyFile) }),
  };
}

/** Members may take the name in a certificate for that of the user, and a proxy calls for many. */
function refuseNamed(cert: Buffer, path: string): void {
  let subject: string;
  try {
    ({ subject } = new X509Certificate(cert));
  } catch {
    throw new ConfigError('invalid', `--cert: there is no certificate in ${path}`);
  }
  const name = /^CN=(.+)$/m.exec(subject ?? '')?.[1];
  if (name !== undefined) {
    throw new ConfigError('invalid', `cert has non empty Common Name (${name}): ${path}`);
  }
}

async function readPem(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('invalid', `cannot read ${flag}: ${reason}`);
  }
}

async function discover(
  { discovery, dnsServers }: GrpcProxyOptions,
  tls: TlsOptions | undefined,
  logger: Logger,
): Promise<readonly string[]> {
  if (discovery === undefined) return [];
  const { domain } = discovery;
  const ca = tls?.ca === undefined ? undefined : Buffer.from(tls.ca);
  const validation = { domain, ca, timeoutMs: PATIENCE_MS, after: systemClock.after };
  const members = await discoverMembers(
    {
      resolveSrv: srvResolver(dnsServers),
      validate: (url) => validateServer(url, validation),
      logger,
    },
    discovery,
  );
  return members.map(({ url }) => url);
}

/** A proxy that is its own member answers nobody. Throws `ConfigError`, also for what is no endpoint. */
function refuseItself({ listen }: GrpcProxyOptions, endpoint: string): void {
  let address: ReturnType<typeof parseEndpoint>['address'];
  try {
    address = parseEndpoint(endpoint).address;
  } catch (error) {
    throw new ConfigError('invalid', error instanceof Error ? error.message : String(error));
  }
  if (address.kind !== 'tcp' || address.port !== listen.port || listen.port === 0) return;
  const isOwn = address.host === listen.host || (isLocal(address.host) && isLocal(listen.host));
  if (isOwn) throw new ConfigError('invalid', `the endpoint ${endpoint} is the proxy itself`);
}

function isLocal(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1', '::', '0.0.0.0'].includes(host);
}
