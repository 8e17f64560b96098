import { createServer, type Server } from 'node:http';
import type { Clock } from './clock.ts';
import type { EndpointUrl } from './config/endpoint-url.ts';
import type { HttpRouter } from './http/http-routes.ts';
import { nodeListener } from './http/node-listener.ts';
import { Entrance } from './listen/entrance.ts';
import type { Logger } from './logging/logger.ts';
import type { TlsListening } from './tls/tls-listening.ts';

export interface MetricsPortOptions {
  readonly urls: readonly EndpointUrl[];
  readonly routes: HttpRouter;
  readonly reusePort: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Serves URLs over TLS. */
  readonly tls: TlsListening | undefined;
}

/** A scraper that says nothing for so long is let go. */
const FIRST_BYTES_TIMEOUT_MS = 30_000;

/** Listeners of --listen-metrics-urls: metrics and health apart from client traffic. */
export class MetricsPort {
  readonly #http: Server;
  #entrance: Entrance | undefined;

  private constructor(routes: HttpRouter) {
    this.#http = createServer(nodeListener(routes));
  }

  /** Binds every URL, or none: rejects when one can't be bound, and with what is wrong with a certificate's file. */
  static async open(options: MetricsPortOptions): Promise<MetricsPort> {
    const { routes, ...entrance } = options;
    const port = new MetricsPort(routes);
    port.#entrance = await Entrance.open({
      ...entrance,
      side: 'client',
      checksAddress: true,
      protocols: ['http1'],
      firstBytesTimeoutMs: FIRST_BYTES_TIMEOUT_MS,
      onConnection: (_protocol, socket, firstBytes) => {
        socket.pause();
        socket.unshift(firstBytes);
        port.#http.emit('connection', socket);
        socket.resume();
      },
    });
    return port;
  }

  /** The addresses as bound. */
  get urls(): string[] {
    return this.#entrance?.urls ?? [];
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await this.#entrance?.close();
  }
}
