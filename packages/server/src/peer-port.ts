import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { apiVersion } from '@kvorum/api';
import type { EndpointUrl } from './config/endpoint-url.ts';
import { Listener } from './listen/listener.ts';
import { type Cluster, memberToJson } from './membership/cluster.ts';
import { formatId } from './membership/ids.ts';

export interface PeerPortOptions {
  readonly urls: readonly EndpointUrl[];
  readonly cluster: Cluster;
  readonly reusePort: boolean;
}

/** What other members, and tools that look at a cluster from the peer side, can ask a member that has no peers. */
export class PeerPort {
  readonly #http: Server;
  readonly #listeners: Listener[];

  private constructor(http: Server, listeners: Listener[]) {
    this.#http = http;
    this.#listeners = listeners;
  }

  /** Binds every URL; rejects with the system's error. */
  static async open(options: PeerPortOptions): Promise<PeerPort> {
    const { cluster, reusePort } = options;
    const http = createServer((request, response) => answer(cluster, request, response));
    const port = new PeerPort(http, []);
    try {
      for (const url of options.urls) {
        const onConnection = (socket: unknown) => http.emit('connection', socket);
        port.#listeners.push(await Listener.open({ url, reusePort, onConnection }));
      }
    } catch (error) {
      await port.close();
      throw error;
    }
    return port;
  }

  get urls(): string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
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
    default:
      return undefined;
  }
}
