import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { srvResolver } from '@kvorum/client';
import { systemClock } from '../clock.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Logger } from '../logging/logger.ts';
import { discoverMembers } from '../subcommand/discovery.ts';
import { runSubcommand } from '../subcommand/run-subcommand.ts';
import { validateServer } from '../subcommand/validate-server.ts';
import { type Backend, BackendPool } from './backend-pool.ts';
import { Gateway } from './gateway.ts';
import {
  type GatewayOptions,
  gatewayFlags,
  parseBackend,
  readGatewayOptions,
  selfReference,
} from './options.ts';

/** What a server may take to accept a connection, in ms: several times what a bad line needs. */
const DIAL_TIMEOUT_MS = 5_000;
/** How long connections may go on once the gateway stops, in ms. */
const DRAIN_MS = 5_000;

/** `kvorum gateway`: runs a TCP proxy until a signal ends it, and resolves with the exit code. */
export function runGateway(args: readonly string[]): Promise<number> {
  return runSubcommand(
    {
      name: 'gateway',
      summary: 'Pass TCP connections on to the members of a cluster that can be reached.',
      flags: gatewayFlags,
      read: readGatewayOptions,
      start: startGateway,
    },
    args,
  );
}

async function startGateway(options: GatewayOptions, logger: Logger): Promise<Gateway> {
  const discovered = await discover(options, logger);
  const backends = discovered.length > 0 ? discovered : options.backends;
  if (backends.length === 0) throw new ConfigError('invalid', 'no endpoints found');
  for (const backend of backends) await refuseItself(options, backend, logger);
  return await Gateway.open(
    {
      pool: new BackendPool(backends, Math.random),
      clock: systemClock,
      logger,
      retryDelayMs: options.retryDelayMs,
      dialTimeoutMs: DIAL_TIMEOUT_MS,
      drainMs: DRAIN_MS,
      maxConnections: options.maxConnections,
    },
    options.listen,
  );
}

async function discover(
  { discovery, trustedCaFile, dnsServers }: GatewayOptions,
  logger: Logger,
): Promise<readonly Backend[]> {
  if (discovery === undefined) return [];
  const ca = trustedCaFile === '' ? undefined : await readFile(trustedCaFile);
  const { domain } = discovery;
  const validation = { domain, ca, timeoutMs: DIAL_TIMEOUT_MS, after: systemClock.after };
  const members = await discoverMembers(
    {
      resolveSrv: srvResolver(dnsServers),
      validate: (url) => validateServer(url, validation),
      logger,
    },
    discovery,
  );
  return members.map(({ url, priority, weight }) => ({ ...parseBackend(url), priority, weight }));
}

/** A name that is unknown now may be known later: then it is only set aside, as one that can't be reached. */
async function refuseItself(
  { listen }: GatewayOptions,
  backend: Backend,
  logger: Logger,
): Promise<void> {
  let own: string;
  let resolved: string;
  try {
    own = (await lookup(listen.host)).address;
    resolved = (await lookup(backend.host)).address;
  } catch (error) {
    logger.warn('cannot look up an endpoint', { endpoint: backend.address, error });
    return;
  }
  const problem = selfReference({ ...listen, host: own }, backend, resolved);
  if (problem !== undefined) throw new ConfigError('invalid', problem);
}
