import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../clock.ts';
import { listenFailure } from '../../listen/listener.ts';
import type { Logger } from '../../logging/logger.ts';
import { type RunningService, runSubcommand } from '../../subcommand/run-subcommand.ts';
import {
  type DiscoveryServiceOptions,
  discoveryServiceFlags,
  readDiscoveryServiceOptions,
} from './options.ts';
import { RegistryGate } from './registry-gate.ts';
import { ServiceMetrics } from './service-metrics.ts';
import { TokenService } from './token-service.ts';

/** Members that wait hold a connection each. */
const MAX_CONNECTIONS = 10_000;

/** `kvorum discovery`: runs a discovery service until a signal ends it, and resolves with the exit code. */
export function runDiscovery(args: readonly string[]): Promise<number> {
  return runSubcommand(
    {
      name: 'discovery',
      summary: 'Give out tokens by which founding members find each other with --discovery.',
      flags: discoveryServiceFlags,
      read: readDiscoveryServiceOptions,
      start: startService,
    },
    args,
  );
}

async function startService(
  options: DiscoveryServiceOptions,
  logger: Logger,
): Promise<RunningService> {
  const { certFile, keyFile, trustedCaFile, endpoints, urlPrefix } = options;
  const ca = trustedCaFile === '' ? undefined : await readFile(trustedCaFile);
  const gate = new RegistryGate({ endpoints, ca, clock: systemClock });
  const scheme = certFile === '' ? 'http' : 'https';
  const service = new TokenService({
    gate,
    metrics: new ServiceMetrics(),
    logger,
    newToken: () => randomBytes(16).toString('hex'),
    urlPrefix,
    scheme,
  });
  const server =
    certFile === ''
      ? createHttpServer()
      : createHttpsServer({ cert: await readFile(certFile), key: await readFile(keyFile) });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => void service.answer(request, response));
  const address = await listen(server, options.listen);
  logger.info('discovery service is ready', {
    address,
    scheme,
    endpoints: endpoints.map(({ origin }) => origin),
  });
  return {
    async stop() {
      // Members that wait ask again.
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(
  server: Server,
  { host, port }: DiscoveryServiceOptions['listen'],
): Promise<string> {
  const shown = (at: string, number: number) => `${at.includes(':') ? `[${at}]` : at}:${number}`;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const reason = listenFailure(cause);
      reject(new Error(`cannot listen on ${shown(host, port)}: ${reason}`, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
  const bound = server.address() as AddressInfo;
  return shown(bound.address, bound.port);
}
