import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpReply, type HttpRequest, notFoundReply } from './http-message.ts';
import type { HttpRouter } from './http-routes.ts';
import type { HttpStream } from './http-stream.ts';

/** Who answers what is no plain HTTP page (Connect, gRPC-Web, the gateway); CORS headers are set already. */
export type NodeFallback = (request: IncomingMessage, response: ServerResponse) => void;

/** A request listener for node:http, and for node:http2's compatible requests, which may be told who is next. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  fallback?: NodeFallback,
) => void;

/** Serves `routes`; without a fallback other paths get 404. What a fallback throws is a bug and ends the process. */
export function nodeListener(routes: HttpRouter): NodeListener {
  return (request, response, fallback = answerNotFound) => {
    void routes.route(nodeRequest(request)).then((routed) => {
      if (routed.kind === 'reply') {
        answerPlainly(response, routed.reply);
        return;
      }
      if (routed.kind === 'stream') {
        stream(response, routed.stream);
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
  answerPlainly(response, notFoundReply);
}

/** A request in the shape that routes know. */
export function nodeRequest(request: IncomingMessage): HttpRequest {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    host: firstOf(request.headers.host ?? request.headers[':authority']) ?? '',
    // The sockets of node:http2 are proxies, so instanceof would not do.
    secure: 'encrypted' in request.socket,
    header: (name) => firstOf(request.headers[name]),
    body: (maxBytes) => bodyOf(request, maxBytes),
  };
}

/** By events: an iterator over a request costs several microseconds more. */
function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const take = (piece: Buffer): void => {
      size += piece.length;
      if (size <= maxBytes) {
        pieces.push(piece);
        return;
      }
      // What follows is taken, and forgotten: the answer isn't lost over it.
      request.off('data', take).resume();
      resolve(undefined);
    };
    const isGone = (): void => reject(new Error('the client has left before the end of its body'));
    request.once('end', () => {
      request.off('close', isGone);
      resolve(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    });
    request.once('error', reject);
    request.once('close', isGone);
    if (request.destroyed) isGone();
    else request.on('data', take);
  });
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Answers as a whole; headers set before are kept. */
export function answerPlainly(response: ServerResponse, reply: HttpReply): void {
  response.statusCode = reply.status;
  for (const [name, value] of reply.headers) {
    response.setHeader(name, value);
  }
  response.setHeader('Content-Length', Buffer.byteLength(reply.body));
  response.end(reply.body);
}

function stream(response: ServerResponse, { status, headers, open }: HttpStream): void {
  response.writeHead(
    status,
    headers.map(([name, value]): [string, string] => [name, value]),
  );
  response.flushHeaders();
  const left = open({
    write(piece) {
      response.write(piece);
      return response.writableLength;
    },
    end: () => response.end(),
  });
  if (response.destroyed) left();
  else response.once('close', left);
}
