import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { apiVersion } from '@kvorum/api';
import type { Clock } from './clock.ts';
import type { EndpointUrl } from './config/endpoint-url.ts';
import { Entrance } from './listen/entrance.ts';
import type { Protocol } from './listen/sniff.ts';
import type { Logger } from './logging/logger.ts';
import { type Cluster, memberToJson } from './membership/cluster.ts';
import { formatId } from './membership/ids.ts';
import type { TlsListening } from './tls/tls-listening.ts';

export interface PeerPortOptions {
  readonly urls: readonly EndpointUrl[];
  readonly cluster: Cluster;
  readonly reusePort: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Serves URLs over TLS. */
  readonly tls: TlsListening | undefined;
  /** Takes the connections of other members. */
  readonly accept: (socket: Socket, firstBytes: Buffer) => void;
}

/** A member that connects says so at once. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;

/**
 * Where other members, and tools that look at a cluster from the peer side, find this one. Members speak HTTP/2 to each
 * other; HTTP/1 is for the pages.
 */
export class PeerPort {
  readonly #options: PeerPortOptions;
  readonly #http: Server;
  #entrance: Entrance | undefined;

  private constructor(options: PeerPortOptions) {
    this.#options = options;
    this.#http = createServer((request, response) => answer(options.cluster, request, response));
  }

  /** Binds every URL, or none: rejects when one can't be bound, and with what is wrong with a certificate's file. */
  static async open(options: PeerPortOptions): Promise<PeerPort> {
    const { urls, reusePort, clock, logger, tls } = options;
    const port = new PeerPort(options);
    port.#entrance = await Entrance.open({
      urls,
      reusePort,
      clock,
      logger,
      side: 'peer',
      tls,
      checksAddress: true,
      protocols: ['http2', 'http1'],
      firstBytesTimeoutMs: FIRST_BYTES_TIMEOUT_MS,
      onConnection: (protocol, socket, firstBytes) => port.#accept(protocol, socket, firstBytes),
    });
    return port;
  }

  #accept(protocol: Protocol, socket: Socket, firstBytes: Buffer): void {
    if (protocol === 'http2') {
      this.#options.accept(socket, firstBytes);
      return;
    }
    socket.pause();
    socket.unshift(firstBytes);
    this.#http.emit('connection', socket);
    socket.resume();
  }

  get urls(): string[] {
    return this.#entrance?.urls ?? [];
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await this.#entrance?.close();
  }
}

function answer(cluster: Cluster, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('X-Etcd-Cluster-ID', formatId(cluster.id));
  const [path] = (request.url ?? '').split('?');
  if (request.method !== 'GET') {
    response.writeHead(405, { allow: 'GET' }).end('Method Not Allowed\n');
    return;
  }
  const body = bodyOf(cluster, path ?? '');
  if (body === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('404 page not found\n');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}

function bodyOf(cluster: Cluster, path: string): string | undefined {
  switch (path) {
    case '/members':
      return `[${cluster.members().map(memberToJson).join(',')}]\n`;
    case '/version': {
      const version = cluster.version ?? 'not_decided';
      return JSON.stringify({ etcdserver: apiVersion, etcdcluster: version, storage: version });
    }
    case '/downgrade/enabled':
      return String(cluster.downgradeTarget !== undefined);
    default:
      return undefined;
  }
}
