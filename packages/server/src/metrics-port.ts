import { createServer, type Server } from 'node:http';
import type { EndpointUrl } from './config/endpoint-url.ts';
import type { HttpRoutes } from './http/http-routes.ts';
import { nodeListener } from './http/node-listener.ts';
import { Listener } from './listen/listener.ts';

export interface MetricsPortOptions {
  readonly urls: readonly EndpointUrl[];
  readonly routes: HttpRoutes;
  readonly reusePort: boolean;
}

/** Listeners of --listen-metrics-urls: metrics and health apart from client traffic. */
export class MetricsPort {
  readonly #http: Server;
  readonly #listeners: Listener[] = [];

  private constructor(routes: HttpRoutes) {
    this.#http = createServer(nodeListener(routes));
  }

  /** Binds every URL; rejects with the system's error. */
  static async open(options: MetricsPortOptions): Promise<MetricsPort> {
    const { urls, routes, reusePort } = options;
    const port = new MetricsPort(routes);
    try {
      for (const url of urls) {
        const onConnection = (socket: unknown) => port.#http.emit('connection', socket);
        port.#listeners.push(await Listener.open({ url, reusePort, onConnection }));
      }
    } catch (error) {
      await port.close();
      throw error;
    }
    return port;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
