import { unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { EndpointUrl } from '../config/endpoint-url.ts';

export interface ListenOptions {
  readonly url: EndpointUrl;
  readonly reusePort: boolean;
  readonly onConnection: (socket: Socket) => void;
}

/** One listening address and the connections that came through it. */
export class Listener {
  /** The address as bound: where the URL asked for port 0 this has the real one. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Binds the address. Rejects with the system's error, such as EADDRINUSE. */
  static async open(options: ListenOptions): Promise<Listener> {
    const { url, reusePort, onConnection } = options;
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      onConnection(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Error(`cannot listen on ${url.href}: ${listenFailure(error)}`, { cause: error }),
        ),
      );
      const bound = () => {
        server.removeAllListeners('error');
        resolve();
      };
      if (url.path !== '') server.listen({ path: freshSocketPath(url.path) }, bound);
      else server.listen({ host: url.host, port: url.port, reusePort, backlog: 1024 }, bound);
    });
    return new Listener(boundUrl(url, server), server, sockets);
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Stops accepting; connections that are open go on. */
  stopAccepting(): void {
    this.#server.close();
  }

  /** Stops accepting and ends every connection. Resolves when the address is free again. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (!this.#server.listening && this.#sockets.size === 0) resolve();
      else this.#server.once('close', () => resolve());
    });
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** What the system says, in words that tell what to do. */
export function listenFailure(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the address is in use; stop the other process or choose another port';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'not permitted; ports below 1024 and protected folders need more rights';
    default:
      return error.message;
  }
}

/** A socket file that a killed process left would make every later start fail. */
function freshSocketPath(path: string): string {
  try {
    unlinkSync(path);
  } catch {
    // There was none; anything else shows when it's bound.
  }
  return path;
}

function boundUrl(url: EndpointUrl, server: Server): string {
  const address = server.address();
  if (url.path !== '' || address === null || typeof address === 'string') return url.href;
  const host = url.host.includes(':') ? `[${url.host}]` : url.host;
  return `${url.scheme}://${host}:${address.port}`;
}
