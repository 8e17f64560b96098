import { apiVersion, clusterVersion } from '@kvorum/api';
import { type Disk, nodeDisk } from '@kvorum/wal';
import type { AuthTools } from './auth/auth-tools.ts';
import { nodeAuth } from './auth/node-auth.ts';
import { type Clock, systemClock } from './clock.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { Dns } from './discovery/dns.ts';
import type { EngineFolders } from './engine-folders.ts';
import type { Logger } from './logging/logger.ts';
import { MemberCore } from './member-core.ts';
import { type MemberTls, memberTls } from './member-tls.ts';
import { refuseIncompatible } from './membership/compatibility.ts';
import { formatId } from './membership/ids.ts';
import {
  fetchCluster,
  hasStarted,
  type Joining,
  joiningOf,
  refuseForgetful,
} from './membership/joining.ts';
import type { Metrics } from './metrics/metrics.ts';
import { nodeNetwork, type PeerNetwork } from './peer/node-network.ts';
import { PeerTransport } from './peer/peer-transport.ts';
import { PeerPort } from './peer-port.ts';
import { openPorts, type Ports } from './ports.ts';
import { rocksDbFolders } from './rocksdb-folders.ts';
import type { Member } from './run-member.ts';
import { nodeTlsTools } from './tls/node-tls-tools.ts';
import type { TlsTools } from './tls/tls-tools.ts';

/** What a member is given by its process; tests and simulations give their own. */
export interface MemberDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly disk?: Disk;
  /** Uniform in [0, 1). Decides election time-outs and jitter, nothing that must be secret. */
  readonly random?: () => number;
  /** Where stores live; RocksDB in the file system by default. */
  readonly engines?: EngineFolders;
  /** bcrypt, randomness and keys of tokens; Node's by default. */
  readonly auth?: AuthTools;
  /** Where certificates are and come from, and names of hosts; this machine's by default. */
  readonly tls?: Omit<TlsTools, 'clock' | 'logger'>;
  /** How other members are reached; TCP by default. */
  readonly network?: PeerNetwork;
  /** Who is asked for --discovery-srv; the system, or the servers of the configuration, by default. */
  readonly dns?: Dns;
  /** Ends the start. */
  readonly stop?: AbortSignal;
}

/**
 * Starts one member and resolves when it serves clients, which takes a majority of the cluster. Rejects with a message
 * for people when it can't: an address is taken, the data folder is in use or damaged, the cluster is another one.
 */
export async function startMember(given: ServerConfig, deps: MemberDeps): Promise<Member> {
  const { logger, metrics, stop } = deps;
  const clock = deps.clock ?? systemClock;
  const disk = deps.disk ?? nodeDisk();
  const random = deps.random ?? Math.random;
  const tls = await memberTls(given, { ...(deps.tls ?? nodeTlsTools), clock, logger });
  const network = deps.network ?? nodeNetwork(clock, tls.dialing, given.kvorumPeerLocalAddress);
  const auth = deps.auth ?? (await nodeAuth(given));
  const isNew = !disk.exists(walDirOf(given));
  const config = await withFounders(given, isNew, { ...deps, clock });
  const joining = isNew ? await identify(config, network) : undefined;
  const peerUrls = config.initialAdvertisePeerUrls.map(({ href }) => href);
  const transport = new PeerTransport({
    clock,
    random,
    dial: network.dial,
    logger,
    metrics,
    peerUrls,
  });
  const parts = {
    logger,
    metrics,
    clock,
    disk,
    random,
    engines: deps.engines ?? rocksDbFolders(),
    auth,
    clientNames: tls.clientNames,
    outbox: transport,
    peers: transport,
    onMembershipChanged: () => transport.membershipChanged(),
    ...(joining === undefined ? {} : { joins: joining.owner }),
  };
  const core = await MemberCore.open(config, parts);
  const opened: { close(): Promise<void> }[] = [core, transport];
  const closeAll = async () => {
    for (const part of opened.reverse()) await part.close();
  };
  try {
    transport.attach(core.peerHost(), guestsOf(joining));
    opened.push(await openPeerPort(config, { clock, logger, tls: tls.peers }, core, transport));
    await orEnd(core.start(), core, stop);
    if (isNew && joining === undefined) warnOfLostData(core, logger);
    const ports = await openPorts(config, { logger, metrics, clock, tls }, core);
    opened.push(ports);
    await orEnd(core.publish(config.name, ports.advertised), core, stop);
    announce(config, logger, core, ports);
    return new RunningMember(logger, core, ports, config, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The configuration with the founding members that discovery finds, where a new member is to look for them. */
async function withFounders(
  config: ServerConfig,
  isNew: boolean,
  { logger, clock, dns, stop }: MemberDeps & { readonly clock: Clock },
): Promise<ServerConfig> {
  const { discovery } = config;
  if (discovery === undefined) return config;
  // Few members need it, once in their lives.
  const { discoverFounders, ignoreDiscovery } = await import('./discovery/discover-founders.ts');
  if (isNew) {
    const deps = { logger, clock, dns, stop };
    return { ...config, ...(await discoverFounders(config, discovery, deps)) };
  }
  ignoreDiscovery(discovery, walDirOf(config), logger);
  return config;
}

function walDirOf({ walDir, dataDir }: ServerConfig): string {
  return walDir ?? `${dataDir}/member/wal`;
}

/** Who a member without a log is when it joins a cluster; undefined for a founder. */
async function identify(config: ServerConfig, network: PeerNetwork): Promise<Joining | undefined> {
  if (config.initialClusterState === 'existing') {
    const joining = joiningOf(config, await fetchCluster(config, network));
    await refuseIncompatible(joining, network);
    return joining;
  }
  if (config.initialCluster.length > 1) {
    refuseForgetful(config, await fetchCluster(config, network));
  }
  return undefined;
}

/**
 * A founder without data begins anew when no other member answers, as in etcd. What it hears of the others then may
 * show that it had been here before: nothing can be undone any more.
 */
function warnOfLostData({ cluster, memberId }: MemberCore, logger: Logger): void {
  const self = cluster.member(memberId);
  if (self === undefined || !hasStarted(self)) return;
  logger.warn(
    'this member began without data although it had been part of the cluster: writes that it had acknowledged may be ' +
      'lost. One whose data is lost should be removed (etcdctl member remove) and added again (etcdctl member add)',
    { 'local-member-id': formatId(memberId) },
  );
}

function guestsOf(joining: Joining | undefined): ReadonlyMap<bigint, readonly string[]> {
  return new Map(joining?.members.map(({ id, peerUrls }) => [id, peerUrls]));
}

function openPeerPort(
  config: ServerConfig,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly tls: MemberTls['peers'] },
  core: MemberCore,
  transport: PeerTransport,
): Promise<PeerPort> {
  return PeerPort.open({
    ...parts,
    urls: config.listenPeerUrls,
    cluster: core.cluster,
    reusePort: config.socketReusePort,
    accept: (socket, firstBytes) => transport.accept(socket, firstBytes),
  });
}

/** Waits for a step of the start, unless the member fails or is asked to stop meanwhile. */
async function orEnd(
  step: Promise<void>,
  core: MemberCore,
  stop: AbortSignal | undefined,
): Promise<void> {
  const failed = core.end.fatal.then((error) => {
    throw error;
  });
  const removed = core.end.removed.then(() => {
    throw new Error(
      'the member has been permanently removed from the cluster; its data folder is of no use any more',
    );
  });
  const stopped = new Promise<never>((_resolve, reject) => {
    if (stop?.aborted === true) reject(stop.reason);
    stop?.addEventListener('abort', () => reject(stop.reason));
  });
  // Whichever comes later is nobody's business any more.
  for (const promise of [step, failed, removed, stopped]) promise.catch(() => {});
  await Promise.race([step, failed, removed, stopped]);
}

class RunningMember implements Member {
  readonly clientUrls: readonly string[];
  readonly fatal: Promise<Error>;
  readonly removed: Promise<void>;
  readonly #logger: Logger;
  readonly #core: MemberCore;
  readonly #config: ServerConfig;
  readonly #closeAll: () => Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(
    logger: Logger,
    core: MemberCore,
    ports: Ports,
    config: ServerConfig,
    closeAll: () => Promise<void>,
  ) {
    this.clientUrls = ports.clientUrls;
    this.fatal = core.end.fatal;
    this.removed = core.end.removed;
    this.#logger = logger;
    this.#core = core;
    this.#config = config;
    this.#closeAll = closeAll;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    const { name, dataDir } = this.#config;
    const fields = { name, 'data-dir': dataDir, 'advertise-client-urls': this.clientUrls };
    this.#logger.info('closing etcd server', fields);
    await this.#core.prepareStop();
    await this.#closeAll();
    this.#logger.info('closed etcd server', fields);
  }
}

/** The lines that scripts and supervisors wait for. */
function announce(config: ServerConfig, logger: Logger, core: MemberCore, ports: Ports): void {
  logger.info('enabled capabilities for version', {
    'cluster-version': shortVersion(clusterVersion),
  });
  logger.info('published local member to cluster through raft', {
    'local-member-id': formatId(core.memberId),
    'local-member-attributes': `{Name:${config.name} ClientURLs:[${ports.advertised.join(' ')}]}`,
    'cluster-id': formatId(core.cluster.id),
    'server-version': apiVersion,
  });
  for (const url of ports.clientUrls) {
    logger.info('ready to serve client requests');
    const address = url.replace(/^[a-z]+:\/\//, '');
    if (/^(https|unixs):/.test(url)) logger.info('serving client traffic securely', { address });
    else
      logger.info('serving client traffic insecurely; this is strongly discouraged!', { address });
  }
}

function shortVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
