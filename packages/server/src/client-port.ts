import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { etcdServices } from '@kvorum/api';
import type { GrpcService, ServerStats } from '@kvorum/h2';
import { rawRoutes } from '@kvorum/h2/connect';
import type { Clock } from './clock.ts';
import type { EndpointUrl } from './config/endpoint-url.ts';
import { connectExchanges } from './connect/exchange.ts';
import { connectRequests } from './connect/requests.ts';
import { BodyDeadlines } from './http/body-deadlines.ts';
import { type ExchangeFallback, exchangeListener } from './http/exchange-listener.ts';
import { textReply } from './http/http-message.ts';
import type { HttpRouter } from './http/http-routes.ts';
import { NodeExchange } from './http/node-exchange.ts';
import { answerPlainly, type NodeFallback, nodeListener } from './http/node-listener.ts';
import { OpenAnswers } from './http/open-answers.ts';

import { Gateway } from './json-gateway/gateway.ts';
import { WebSocketDoor } from './json-gateway/web-socket-door.ts';
import { Entrance } from './listen/entrance.ts';
import type { Protocol } from './listen/sniff.ts';

import type { Logger } from './logging/logger.ts';
import { commonNameOf } from './tls/certificate-names.ts';
import type { ClientNames } from './tls/client-names.ts';
import type { TlsListening } from './tls/tls-listening.ts';
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
  /** Serves URLs over TLS. */
  readonly tls: TlsListening | undefined;
  /** Is told whose certificate a client has shown. */
  readonly clientNames?: ClientNames | undefined;
  readonly methods: GrpcService;
  /** The plain HTTP pages (health, metrics, …). */
  readonly routes: HttpRouter;
  readonly transport: TransportKind;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: ServerStats;
  /** Whether the JSON gateway answers below /v3. */
  readonly gateway: boolean;
  /** Whether callers have to say who they are; never by default. */
  readonly authEnabled?: () => boolean;
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
/** Times in which the headers of a request over HTTP/1 must be complete, and all of it: Node's own. */
const HEADERS_TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 300_000;
/** How long calls may take to finish when the port closes. */
const DRAIN_MS = 5_000;

/**
 * Everything clients talk to: gRPC, Connect, gRPC-Web and the JSON gateway for the same services, and plain HTTP, on
 * every client URL.
 * The first bytes of a connection tell HTTP/2 from HTTP/1.
 */
export class ClientPort {
  readonly #options: ClientPortOptions;
  readonly #transport: Transport;
  readonly #http: Server;
  readonly #answers = new OpenAnswers();
  readonly #entrances: Entrance[] = [];

  private constructor(options: ClientPortOptions) {
    this.#options = options;
    const services = rawRoutes(etcdServices, options.methods);
    const readMaxBytes = Math.min(options.maxReceiveMessageBytes, CONNECT_LIMIT_BYTES);
    const gateway = options.gateway ? gatewayOf(options) : undefined;
    const deadlines = new BodyDeadlines(options.clock, BODY_TIMEOUT_MS);
    const others = requestsOf(gateway, connectRequests(services, readMaxBytes), options, deadlines);
    const listener = nodeListener(options.routes);
    const handler = (request: IncomingMessage, response: ServerResponse) => {
      deadlines.start(request, response);
      this.#answers.begin(response);
      listener(request, response, others);
    };
    const door = gateway && new WebSocketDoor(gateway, options.routes, gateway.maxBodyBytes);
    this.#http = createHttpServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: 0,
        shouldUpgradeCallback: (request) => door?.isFor(request) === true,
      },
      handler,
    );
    // Without that callback Node has all requests for another protocol upgraded or none, HTTP/2's and curl's too.
    if (door !== undefined && 'shouldUpgradeCallback' in this.#http) {
      this.#http.on('upgrade', (request, socket, head) =>
        this.#upgrade(door, request, socket, head),
      );
    }
    const exchanges = exchangesOf(gateway, connectExchanges(services, readMaxBytes), options);
    this.#transport = createTransport(options, {
      request: handler,
      exchange: exchangeListener(options.routes, exchanges),
    });
  }

  /** Binds every URL, or none: rejects when one can't be bound, and with what is wrong with a certificate's file. */
  static async open(options: ClientPortOptions): Promise<ClientPort> {
    const port = new ClientPort(options);
    try {
      const both: readonly Protocol[] = ['http2', 'http1'];
      const protocols = options.httpUrls.length > 0 ? both.slice(0, 1) : both;
      await port.#listen(options.urls, protocols);
      await port.#listen(options.httpUrls, both.slice(1));
    } catch (error) {
      await port.close();
      throw error;
    }
    return port;
  }

  /** The addresses as bound. */
  get urls(): string[] {
    return this.#entrances.flatMap((entrance) => entrance.urls);
  }

  /** Lets running calls finish for a while, then ends what is left. */
  async close(): Promise<void> {
    for (const entrance of this.#entrances) entrance.stopAccepting();
    const timedOut = Promise.withResolvers<void>();
    const stopTimer = this.#options.clock.after(DRAIN_MS, timedOut.resolve);
    const drained = Promise.all([this.#transport.drain(), this.#answers.drain()]);
    await Promise.race([drained, timedOut.promise]);
    stopTimer();
    this.#transport.close();
    this.#http.closeAllConnections();
    await Promise.all(this.#entrances.map((entrance) => entrance.close()));
  }

  async #listen(urls: readonly EndpointUrl[], protocols: readonly Protocol[]): Promise<void> {
    const { reusePort, clock, logger, tls } = this.#options;
    const entrance = await Entrance.open({
      urls,
      reusePort,
      clock,
      logger,
      side: 'client',
      tls,
      protocols,
      firstBytesTimeoutMs: FIRST_BYTES_TIMEOUT_MS,
      onConnection: (protocol, socket, firstBytes) => this.#accept(protocol, socket, firstBytes),
    });
    this.#entrances.push(entrance);
  }

  #upgrade(door: WebSocketDoor, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!isKnownByName(socket, this.#options)) void door.accept(request, socket, head);
    else socket.end('HTTP/1.1 400 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }

  #accept(protocol: Protocol, socket: Socket, firstBytes: Buffer): void {
    const { clientNames } = this.#options;
    if (clientNames !== undefined && socket instanceof TLSSocket) {
      const certificate = socket.getPeerX509Certificate();
      if (certificate !== undefined) clientNames.set(socket, commonNameOf(certificate));
    }
    if (protocol === 'http2') {
      this.#transport.accept(socket, firstBytes);
      return;
    }
    socket.pause();
    socket.unshift(firstBytes);
    this.#http.emit('connection', socket);
    socket.resume();
  }
}

function gatewayOf(options: ClientPortOptions): Gateway {
  const { methods, clock, stats, maxReceiveMessageBytes: maxMessageBytes } = options;
  return new Gateway({ services: etcdServices, methods, clock, stats, maxMessageBytes });
}

/** Over HTTP/1: the gateway answers what is its own, `next` everything else. */
function requestsOf(
  gateway: Gateway | undefined,
  next: NodeFallback,
  options: ClientPortOptions,
  deadlines: BodyDeadlines,
): NodeFallback {
  if (gateway === undefined) return next;
  return (request, response) => {
    if (!gateway.owns(request.url ?? '')) next(request, response);
    else if (isKnownByName(request.socket, options)) answerPlainly(response, namedClientReply);
    else gateway.serve(new NodeExchange(request, response, options.clock, deadlines));
  };
}

/** The same over HTTP/2. */
function exchangesOf(
  gateway: Gateway | undefined,
  next: ExchangeFallback,
  options: ClientPortOptions,
): ExchangeFallback {
  if (gateway === undefined) return next;
  return (exchange, cors) => {
    if (!gateway.owns(exchange.path)) next(exchange, cors);
    else if (isKnownByName(exchange.connection.stream, options)) {
      const { status, headers, body } = namedClientReply;
      const fields = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
      void exchange.respond(status, [...cors, ...fields], Buffer.from(body));
    } else gateway.serve(exchange, cors);
  };
}

/**
 * Whether a client would be a user by its certificate, were it not for the gateway, which goes by tokens alone. etcd
 * refuses such requests rather than surprise whoever makes them.
 */
function isKnownByName(
  connection: Duplex,
  { clientNames, authEnabled }: ClientPortOptions,
): boolean {
  const name = clientNames?.of(connection) ?? '';
  return name !== '' && authEnabled?.() === true;
}

const namedClientReply = textReply(
  400,
  'CommonName of client sending a request against gateway will be ignored and not used as expected\n',
);
