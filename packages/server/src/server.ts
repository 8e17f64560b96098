import { apiVersion, clusterVersion } from '@kvorum/api';
import { type Engine, RocksDbEngine } from '@kvorum/mvcc';
import { type Disk, nodeDisk } from '@kvorum/wal';
import { type Clock, systemClock } from './clock.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { EngineFolders } from './engine-folders.ts';
import type { Logger } from './logging/logger.ts';
import { MemberCore } from './member-core.ts';
import { formatId } from './membership/ids.ts';
import type { Metrics } from './metrics/metrics.ts';
import { nodeEngines } from './node-engines.ts';
import { openPorts, type Ports } from './ports.ts';
import type { Member } from './run-member.ts';

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
}

/**
 * What RocksDB may use, so that a member with a million small keys stays below 300 MB: its blocks are the second cache,
 * behind that of the store, and what its buffers hold is replayed at start.
 */
const ROCKSDB_CACHE_BYTES = 16 * 1024 * 1024;
const ROCKSDB_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;

function openRocksDb(path: string): Promise<Engine> {
  return RocksDbEngine.open({
    path,
    cacheBytes: ROCKSDB_CACHE_BYTES,
    writeBufferBytes: ROCKSDB_WRITE_BUFFER_BYTES,
  });
}

/**
 * Starts one member and resolves when it serves clients. Rejects with a message for people when it can't: an address is
 * taken, the data folder is in use or damaged.
 */
export async function startMember(config: ServerConfig, deps: MemberDeps): Promise<Member> {
  const { logger, metrics } = deps;
  const parts = {
    logger,
    metrics,
    clock: deps.clock ?? systemClock,
    disk: deps.disk ?? nodeDisk(),
    random: deps.random ?? Math.random,
    engines: deps.engines ?? nodeEngines(openRocksDb),
    outbox: { send: () => {} },
  };
  const core = await MemberCore.open(config, parts);
  let ports: Ports | undefined;
  try {
    await core.start();
    ports = await openPorts(config, parts, core);
    await core.publish(config.name, ports.advertised);
  } catch (error) {
    await ports?.close();
    await core.close();
    throw error;
  }
  announce(config, logger, core, ports);
  return new RunningMember(logger, core, ports, config);
}

class RunningMember implements Member {
  readonly clientUrls: readonly string[];
  readonly fatal: Promise<Error>;
  readonly #logger: Logger;
  readonly #core: MemberCore;
  readonly #ports: Ports;
  readonly #config: ServerConfig;
  #stopped: Promise<void> | undefined;

  constructor(logger: Logger, core: MemberCore, ports: Ports, config: ServerConfig) {
    this.clientUrls = ports.clientUrls;
    this.fatal = core.fatal;
    this.#logger = logger;
    this.#core = core;
    this.#ports = ports;
    this.#config = config;
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
    await this.#ports.close();
    await this.#core.close();
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
    logger.info('serving client traffic insecurely; this is strongly discouraged!', { address });
  }
}

function shortVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
