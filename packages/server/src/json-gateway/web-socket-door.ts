import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { HttpRouter } from '../http/http-routes.ts';
import { nodeRequest } from '../http/node-listener.ts';
import type { Gateway } from './gateway.ts';
import { WebSocketExchange } from './web-socket-exchange.ts';

/** The subprotocol behind which pages send their token; it's agreed to, since browsers insist on that. */
const BEARER = 'Bearer';

/** Lets WebSockets in to the paths of the gateway, over HTTP/1.1. */
export class WebSocketDoor {
  readonly #gateway: Gateway;
  readonly #routes: HttpRouter;
  readonly #server: WebSocketServer;

  /** Messages beyond `maxMessageBytes` close their connection. */
  constructor(gateway: Gateway, routes: HttpRouter, maxMessageBytes: number) {
    this.#gateway = gateway;
    this.#routes = routes;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(BEARER) ? BEARER : false),
    });
    // The handshake was answered with what is wrong with it.
    this.#server.on('wsClientError', (_error, socket) => socket.destroy());
  }

  /** Whether a request that wants another protocol is for this door; others go on as if it had not been asked. */
  isFor(request: IncomingMessage): boolean {
    const upgrade = request.headers.upgrade?.toLowerCase();
    return upgrade === 'websocket' && this.#gateway.owns(request.url ?? '');
  }

  /** Takes over the connection of such a request. */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {});
    const routed = await this.#routes.route(nodeRequest(request));
    const isAllowed = routed.kind === 'other' && (!isForeign(request) || routed.cors.length > 0);
    if (!isAllowed || socket.destroyed) {
      const status = routed.kind === 'reply' ? routed.reply.status : 403;
      socket.end(`HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) =>
      this.#gateway.serve(new WebSocketExchange(webSocket, request)),
    );
  }
}

/** It comes from a web page. Browsers leave it to the server whose pages may open WebSockets. */
function isForeign({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined;
}
