import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type HttpReply, type HttpRequest, notFoundReply } from './http-message.ts';
import type { HttpRoutes } from './http-routes.ts';

/** Who answers what is no plain HTTP page (Connect, gRPC-Web, the gateway); CORS headers are set already. */
export type NodeFallback = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A request listener for node:http over `routes`. Without a fallback other paths get 404. What a fallback throws is a
 * bug and ends the process.
 */
export function nodeListener(
  routes: HttpRoutes,
  fallback: NodeFallback = answerNotFound,
): RequestListener {
  return (request, response) => {
    void routes.route(nodeRequest(request)).then((routed) => {
      if (routed.kind === 'reply') {
        send(response, routed.reply);
        return;
      }
      for (const [name, value] of routed.cors) {
        response.setHeader(name, value);
      }
      fallback(request, response);
    });
  };
}

/** Answers as etcd answers an unknown path; headers set before are kept. */
export function answerNotFound(_request: IncomingMessage, response: ServerResponse): void {
  send(response, notFoundReply);
}

function nodeRequest(request: IncomingMessage): HttpRequest {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    host: request.headers.host ?? '',
    secure: request.socket instanceof TLSSocket,
    header(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

function send(response: ServerResponse, reply: HttpReply): void {
  response.statusCode = reply.status;
  for (const [name, value] of reply.headers) {
    response.setHeader(name, value);
  }
  response.setHeader('Content-Length', Buffer.byteLength(reply.body));
  response.end(reply.body);
}
