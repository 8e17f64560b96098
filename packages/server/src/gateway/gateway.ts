import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { listenFailure } from '../listen/listener.ts';
import type { Logger } from '../logging/logger.ts';
import type { Backend, BackendPool } from './backend-pool.ts';
import { joinSockets } from './passage.ts';

/** `host:port`, IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where a gateway listens. */
export interface GatewayAddress {
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
}

/** What a gateway is made of. */
export interface GatewayParts {
  readonly pool: BackendPool;
  readonly clock: Pick<Clock, 'after' | 'every'>;
  readonly logger: Logger;
  /** Between two looks whether servers that were set aside are back, in ms. */
  readonly retryDelayMs: number;
  /** How long a server may take to accept a connection, in ms. */
  readonly dialTimeoutMs: number;
  /** How long connections may go on when the gateway stops, in ms. */
  readonly drainMs: number;
  /** Connections of clients at one time; more are closed at once. Each takes two file descriptors. */
  readonly maxConnections: number;
}

/** A peer that is gone without a word is found out after half a minute of silence and the system's probes. */
const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

/** Passes TCP connections on to servers that are up. It knows nothing of what is said on them. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #server: Server;
  /** Both ends of all connections. */
  readonly #sockets = new Set<Socket>();
  readonly #probes = new Set<Backend>();
  readonly #stopProbing: () => void;
  #address = '';
  #isStopping = false;
  /** Connections that were refused since that was last logged. */
  #dropped = 0;

  private constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#server = createServer({ ...socketOptions, pauseOnConnect: true }, (client) => {
      void this.#accept(client);
    });
    this.#server.maxConnections = parts.maxConnections;
    this.#server.on('drop', () => this.#onDrop());
    this.#stopProbing = parts.clock.every(parts.retryDelayMs, () => this.#probe());
  }

  /** Resolves when it takes connections; rejects when it can't listen. */
  static async open(parts: GatewayParts, { host, port }: GatewayAddress): Promise<Gateway> {
    const gateway = new Gateway(parts);
    try {
      await new Promise<void>((resolve, reject) => {
        gateway.#server.once('error', (cause) => {
          const reason = listenFailure(cause);
          reject(new Error(`cannot listen on ${hostPort(host, port)}: ${reason}`, { cause }));
        });
        gateway.#server.listen({ host, port, backlog: 1024 }, resolve);
      });
    } catch (error) {
      gateway.#stopProbing();
      throw error;
    }
    const { address, port: bound } = gateway.#server.address() as AddressInfo;
    gateway.#address = hostPort(address, bound);
    const { pool, logger } = parts;
    logger.info('ready to proxy client requests', {
      address: gateway.address,
      endpoints: pool.addresses,
    });
    return gateway;
  }

  /** Where it listens, `host:port`, the port as bound. */
  get address(): string {
    return this.#address;
  }

  /** Takes no more connections, lets those that are open go on for a while, then ends them. */
  async stop(): Promise<void> {
    const { clock, drainMs, logger } = this.#parts;
    this.#isStopping = true;
    this.#stopProbing();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const stopTimer = clock.after(drainMs, () => {
      logger.info('closing the connections that are left', { connections: this.#sockets.size });
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    stopTimer();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #accept(client: Socket): Promise<void> {
    this.#keep(client);
    // Nothing is read before a server is there, so what goes wrong before shows when it is written to.
    client.on('error', () => {});
    const tried = new Set<Backend>();
    for (;;) {
      const backend = this.#parts.pool.pick(tried);
      if (backend === undefined || client.destroyed) break;
      tried.add(backend);
      const server = await this.#dial(backend);
      if (server === undefined) continue;
      if (client.destroyed) {
        server.destroy();
        break;
      }
      this.#keep(server);
      joinSockets(client, server);
      return;
    }
    if (client.destroyed) return;
    const { logger } = this.#parts;
    logger.warn('no endpoint could be reached; a client was sent away', {
      'remote-addr': client.remoteAddress,
    });
    client.resetAndDestroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** A connection to a server, which is set aside if there is none. Never rejects. */
  #dial(backend: Backend): Promise<Socket | undefined> {
    const { clock, dialTimeoutMs, pool, logger, retryDelayMs } = this.#parts;
    const { host, port, address } = backend;
    return new Promise((resolve) => {
      const socket = connect({ ...socketOptions, host, port });
      const failed = (error: Error) => {
        stopTimer();
        socket.destroy();
        if (pool.failed(backend)) {
          const interval = `${retryDelayMs}ms`;
          logger.warn('deactivated endpoint', { address, interval, error: reasonOf(error) });
        }
        resolve(undefined);
      };
      const stopTimer = clock.after(dialTimeoutMs, () =>
        failed(new Error(`no connection within ${dialTimeoutMs} ms`)),
      );
      socket.once('error', failed);
      socket.once('connect', () => {
        stopTimer();
        socket.off('error', failed);
        if (pool.worked(backend)) logger.info('activated', { address });
        resolve(socket);
      });
    });
  }

  /** Looks whether servers that were set aside are back. */
  #probe(): void {
    for (const backend of this.#parts.pool.down) {
      if (this.#probes.has(backend)) continue;
      this.#probes.add(backend);
      void this.#dial(backend).then((socket) => {
        socket?.destroy();
        this.#probes.delete(backend);
      });
    }
  }

  /** One line for all that are refused within a second: a flood must not flood the log. */
  #onDrop(): void {
    this.#dropped += 1;
    if (this.#dropped > 1 || this.#isStopping) return;
    this.#parts.clock.after(1000, () => {
      const { logger, maxConnections } = this.#parts;
      logger.warn('too many connections; new ones were closed', {
        limit: maxConnections,
        closed: this.#dropped,
      });
      this.#dropped = 0;
    });
  }
}

function reasonOf(error: Error): string {
  // A name with several addresses fails with one error for each.
  const parts = error instanceof AggregateError ? error.errors.map((one) => one.message) : [];
  return parts.length > 0 ? parts.join('; ') : error.message;
}
