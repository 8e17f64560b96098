import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { etcdServices } from '@kvorum/api';
import type { GrpcService, ServerStats } from '@kvorum/h2';
import { rawRoutes } from '@kvorum/h2/connect';
import type { Clock } from './clock.ts';
import type { EndpointUrl } from './config/endpoint-url.ts';
import { connectExchanges } from './connect/exchange.ts';
import { exchangeListener } from './http/exchange-listener.ts';
import type { HttpRoutes } from './http/http-routes.ts';
import { nodeListener } from './http/node-listener.ts';
import { Listener } from './listen/listener.ts';
import { type Protocol, sniff } from './listen/sniff.ts';
import type { Logger } from './logging/logger.ts';
import {
  createTransport,
  type TransportKind,
  type TransportOptions,
} from './transport/create-transport.ts';
import type { Transport } from './transport/transport.ts';

export interface ClientPortOptions {
  readonly urls: readonly EndpointUrl[];
  /** Addresses for plain HTTP; when there are any, `urls` serve gRPC alone. */
  readonly httpUrls: readonly EndpointUrl[];
  readonly methods: GrpcService;
  /** The plain HTTP pages (health, metrics, …). */
  readonly routes: HttpRoutes;
  readonly transport: TransportKind;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: ServerStats;
  readonly reusePort: boolean;
  /** gRPC messages beyond are refused, in bytes. */
  readonly maxReceiveMessageBytes: number;
  readonly maxConcurrentStreams: number;
  readonly keepalive: TransportOptions['keepalive'];
}

/** A client that says nothing for so long is let go; health probes of load balancers open and close at once. */
const FIRST_BYTES_TIMEOUT_MS = 30_000;
/** Connect takes no larger limit on messages. */
const CONNECT_LIMIT_BYTES = 2 ** 32 - 1;
/** How long calls may take to finish when the port closes. */
const DRAIN_MS = 5_000;

/**
 * Everything clients talk to: gRPC, Connect and gRPC-Web for the same services, and plain HTTP, on every client URL.
 * The first bytes of a connection tell HTTP/2 from HTTP/1.
 */
export class ClientPort {
  readonly #options: ClientPortOptions;
  readonly #transport: Transport;
  readonly #http: Server;
  readonly #listeners: Listener[] = [];

  private constructor(options: ClientPortOptions) {
    this.#options = options;
    const services = rawRoutes(etcdServices, options.methods);
    const readMaxBytes = Math.min(options.maxReceiveMessageBytes, CONNECT_LIMIT_BYTES);
    const connect = connectNodeAdapter({ routes: services, readMaxBytes });
    const listener = nodeListener(options.routes);
    const handler = (request: IncomingMessage, response: ServerResponse) =>
      listener(request, response, (req, res) => connect(req, res));
    this.#http = createHttpServer(handler);
    this.#transport = createTransport(options, {
      request: handler,
      exchange: exchangeListener(options.routes, connectExchanges(services, readMaxBytes)),
    });
  }

  /** Binds every URL, or none: rejects with the system's error when one can't be bound. */
  static async open(options: ClientPortOptions): Promise<ClientPort> {
    const port = new ClientPort(options);
    try {
      const both: readonly Protocol[] = ['http2', 'http1'];
      const protocols = options.httpUrls.length > 0 ? both.slice(0, 1) : both;
      for (const url of options.urls) await port.#listen(url, protocols);
      for (const url of options.httpUrls) await port.#listen(url, both.slice(1));
    } catch (error) {
      await port.close();
      throw error;
    }
    return port;
  }

  /** The addresses as bound. */
  get urls(): string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  /** Lets running calls finish for a while, then ends what is left. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.stopAccepting();
    const timedOut = Promise.withResolvers<void>();
    const stopTimer = this.#options.clock.after(DRAIN_MS, timedOut.resolve);
    await Promise.race([this.#transport.drain(), timedOut.promise]);
    stopTimer();
    this.#transport.close();
    this.#http.closeAllConnections();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listen(url: EndpointUrl, protocols: readonly Protocol[]): Promise<void> {
    const { reusePort } = this.#options;
    const onConnection = (socket: Socket) => this.#accept(socket, protocols);
    this.#listeners.push(await Listener.open({ url, reusePort, onConnection }));
  }

  #accept(socket: Socket, protocols: readonly Protocol[]): void {
    const { clock } = this.#options;
    sniff(socket, FIRST_BYTES_TIMEOUT_MS, clock.after, (protocol, firstBytes) => {
      if (!protocols.includes(protocol)) {
        socket.destroy();
        return;
      }
      if (protocol === 'http2') {
        this.#transport.accept(socket, firstBytes);
        return;
      }
      socket.pause();
      socket.unshift(firstBytes);
      this.#http.emit('connection', socket);
      socket.resume();
    });
  }
}
