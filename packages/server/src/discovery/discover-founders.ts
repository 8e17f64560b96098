import type { Clock } from '../clock.ts';
import type {
  DiscoverySetting,
  SrvDiscovery,
  V2Discovery,
  V3Discovery,
} from '../config/discovery-setting.ts';
import { initialClusterOf } from '../config/initial-cluster.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Logger } from '../logging/logger.ts';
import { formatId, memberIdOf } from '../membership/ids.ts';
import { DiscoveryError } from './discovery-error.ts';
import { type Dns, nodeDns } from './dns.ts';
import { srvCluster } from './srv-cluster.ts';
import { nodeHttp } from './v2/http.ts';
import { joinByToken } from './v2/join.ts';
import { tokenKeys } from './v2/token-keys.ts';
import { clientRegistry } from './v3/client-registry.ts';
import { joinByRegistry } from './v3/join.ts';

/** What discovery needs of the process. */
export interface DiscoveryDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default: that of the system, or of the servers that the setting names. */
  readonly dns: Dns | undefined;
  /** Ends it; the promise rejects with its reason. */
  readonly stop: AbortSignal | undefined;
}

/** What --initial-cluster and --initial-cluster-token would have said. */
export type Founding = Pick<ServerConfig, 'initialCluster' | 'initialClusterToken'>;

/**
 * Finds the founding members of a cluster, which may take as long as the last of them takes to come. Rejects with
 * `DiscoveryError`, or with `ConfigError` when what was found makes no cluster.
 */
export async function discoverFounders(
  config: ServerConfig,
  setting: DiscoverySetting,
  deps: DiscoveryDeps,
): Promise<Founding> {
  switch (setting.kind) {
    case 'srv':
      return await bySrv(config, setting, deps);
    case 'v3':
      return await byRegistry(config, setting, deps);
    case 'v2':
      return await byToken(config, setting, deps);
  }
}

/** A member that has data knows its cluster: what the flags say about discovery is history, as etcd says. */
export function ignoreDiscovery(setting: DiscoverySetting, walDir: string, logger: Logger): void {
  if (setting.kind === 'srv') return;
  logger.warn(
    'discovery token is ignored since cluster already initialized; valid logs are found',
    { 'wal-dir': walDir },
  );
}

async function bySrv(
  config: ServerConfig,
  setting: SrvDiscovery,
  { logger, dns = nodeDns(setting.servers), stop }: DiscoveryDeps,
): Promise<Founding> {
  const initialCluster = await orStop(srvCluster(setting, config, dns, logger), stop);
  return { initialCluster, initialClusterToken: config.initialClusterToken };
}

/** DNS has no signal that ends a question; nobody needs the answer then. */
async function orStop<T>(asking: Promise<T>, stop: AbortSignal | undefined): Promise<T> {
  if (stop === undefined) return await asking;
  asking.catch(() => {});
  const stopped = Promise.withResolvers<never>();
  const onAbort = () => stopped.reject(stop.reason);
  stop.addEventListener('abort', onAbort, { once: true });
  try {
    stop.throwIfAborted();
    return await Promise.race([asking, stopped.promise]);
  } finally {
    stop.removeEventListener('abort', onAbort);
  }
}

async function byRegistry(
  config: ServerConfig,
  setting: V3Discovery,
  deps: DiscoveryDeps,
): Promise<Founding> {
  refuseExisting(config);
  const { token } = setting;
  const logger = deps.logger.named('v3discovery');
  logger.info('Bootstrapping cluster using v3 discovery.');
  const endpoints = setting.endpoints.join(',');
  const place = { 'discovery-token': token, 'discovery-endpoints': endpoints };
  const registry = clientRegistry(setting, deps.stop);
  try {
    const registration = { token, ...registrationOf(config, token) };
    const members = await joinByRegistry(registration, { ...deps, logger, registry });
    const cluster = members.map(({ name, peerUrls }) => initialClusterOf(name, peerUrls));
    logger.info('discovery joined cluster successfully', { ...place, cluster: cluster.join(',') });
    return { initialCluster: members, initialClusterToken: token };
  } catch (error) {
    if (error instanceof DiscoveryError) {
      logger.error('discovery failed to join cluster', { ...place, error: error.reason });
      warnOfToken(error, place, logger);
    }
    throw error;
  } finally {
    registry.close();
  }
}

async function byToken(
  config: ServerConfig,
  { url, proxy }: V2Discovery,
  { clock, stop, ...deps }: DiscoveryDeps,
): Promise<Founding> {
  refuseExisting(config);
  const logger = deps.logger.named('v2discovery');
  logger.info('Bootstrapping cluster using v2 discovery.');
  if (proxy !== undefined) logger.info('running proxy with discovery', { 'proxy-url': proxy });
  const place = new URL(url);
  const through = proxy === undefined ? {} : { proxy: new URL(proxy) };
  const keys = tokenKeys(place, nodeHttp({ clock, stop, ...through }));
  try {
    const registration = { serviceUrl: place.origin, ...registrationOf(config, url) };
    const initialCluster = await joinByToken(registration, { keys, clock, logger, stop });
    return { initialCluster, initialClusterToken: url };
  } catch (error) {
    if (error instanceof DiscoveryError) warnOfMember(error, url, config, logger);
    throw error;
  }
}

/** What a member registers as, and under which id. */
function registrationOf(
  { name, initialAdvertisePeerUrls: urls }: ServerConfig,
  token: string,
): { readonly memberId: string; readonly entry: string } {
  const hrefs = urls.map(({ href }) => href);
  return { memberId: formatId(memberIdOf(hrefs, token)), entry: initialClusterOf(name, urls) };
}

function refuseExisting({ initialClusterState }: ServerConfig): void {
  if (initialClusterState !== 'existing') return;
  throw new DiscoveryError(
    'refused',
    'discovery URL should not be set when joining existing initial cluster',
    ['one that joins a cluster is told its members by --initial-cluster'],
  );
}

function warnOfMember(
  error: DiscoveryError,
  url: string,
  { name, dataDir }: ServerConfig,
  logger: Logger,
): void {
  const place = { 'discovery-token': url };
  if (error.code === 'duplicateId') {
    const fields = { name, ...place, error: error.reason };
    logger.warn('member has been registered with discovery service', fields);
    logger.warn('but could not find valid cluster configuration', { 'data-dir': dataDir });
    logger.warn('check data dir if previous bootstrap succeeded');
    logger.warn('or use a new discovery token if previous bootstrap failed');
  } else if (error.code === 'duplicateName') {
    const fields = { ...place, error: error.reason };
    logger.warn('member with duplicated name has already been registered', fields);
    logger.warn('cURL the discovery token URL for details');
    logger.warn('do not reuse discovery token; generate a new one to bootstrap a cluster');
  } else {
    warnOfToken(error, place, logger);
  }
}

/** The lines that scripts know from etcd; what is really wrong is in the error. */
function warnOfToken(
  error: DiscoveryError,
  place: Readonly<Record<string, string>>,
  logger: Logger,
): void {
  logger.warn('failed to bootstrap; discovery token was already used', { ...place, error });
  logger.warn('do not reuse discovery token; generate a new one to bootstrap a cluster');
}
