import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ConnectRouter, createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { connectionKey } from '@kvorum/h2/connect';
import { answerNotFound, type NodeFallback } from '../http/node-listener.ts';
import { Http1Connection } from './http1-connection.ts';

/**
 * Serves Connect and gRPC-Web over HTTP/1.1. Calls with messages both ways are served too when all of the request is
 * announced: there is nothing to read while the answer is written. So browsers can watch, which have HTTP/2 over TLS
 * alone. Connect by itself refuses such calls, lest a client waits for an answer before it has said everything.
 */
export function connectRequests(
  routes: (router: ConnectRouter) => void,
  readMaxBytes: number,
): NodeFallback {
  const acceptCompression = [compressionGzip, compressionBrotli];
  const router = createConnectRouter({ acceptCompression, readMaxBytes });
  routes(router);
  const byPath = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = byPath.get(request.url?.split('?', 1)[0] ?? '');
    if (handler === undefined) answerNotFound(request, response);
    else void serve(handler, request, response);
  };
}

type Handler = ReturnType<typeof createConnectRouter>['handlers'][number];

async function serve(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let answer: Awaited<ReturnType<Handler>>;
  try {
    const values = createContextValues().set(connectionKey, new Http1Connection(request.socket));
    const universal = universalRequestFromNodeRequest(request, response, undefined, values);
    const httpVersion = isAnnounced(request) ? '2.0' : universal.httpVersion;
    answer = await handler({ ...universal, httpVersion });
  } catch {
    // Handlers answer what implementations throw; this is a request that makes no sense, such as one without a host.
    answer = { status: 400 };
  }
  try {
    await universalResponseToNodeResponse(answer, response);
  } catch {
    // The caller has gone, or what is sent to it broke off after the headers: all it can be told is the end.
    response.destroy();
  }
}

function isAnnounced({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined && headers['transfer-encoding'] === undefined;
}
