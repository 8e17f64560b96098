import { createContextValues } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import type { HeaderFields, HttpExchange } from '../grpc/types.ts';
import { callKey, errorOfAbort } from './call-context.ts';
import { toHeaders } from './headers.ts';

/** Serves one exchange; `headers` go out with whatever the answer is, such as those of CORS. */
export type ExchangeHandler = (exchange: HttpExchange, headers?: HeaderFields) => void;

/**
 * Serves Connect and gRPC-Web on a `GrpcServer`, as its `fallback`: the handlers of a Connect router, found
 * by path. What has no handler goes to `notFound`; by default it is answered 404.
 */
export function connectFallback(
  handlers: readonly UniversalHandler[],
  notFound: ExchangeHandler = answer404,
): ExchangeHandler {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (exchange, headers = []) => {
    const query = exchange.path.indexOf('?');
    const handler = byPath.get(query < 0 ? exchange.path : exchange.path.slice(0, query));
    if (handler === undefined) {
      notFound(exchange, headers);
      return;
    }
    const { methodKind } = handler.method;
    if (methodKind === 'client_streaming' || methodKind === 'bidi_streaming') {
      exchange.allowSilence();
    }
    void serve(handler, exchange, headers);
  };
}

async function serve(
  handler: UniversalHandler,
  exchange: HttpExchange,
  headers: HeaderFields,
): Promise<void> {
  let response: UniversalServerResponse;
  try {
    response = await handler(requestOf(exchange));
  } catch {
    // Handlers answer what implementations throw; this is a request that makes no sense to them.
    response = { status: 500 };
  }
  const { status, header = new Headers(), body, trailer } = response;
  const trailers = trailer === undefined ? undefined : () => trailer;
  try {
    await exchange.respond(status, [...headers, ...header], body, trailers);
  } catch {
    // The body broke off, so the stream was reset, which is all that can be told after the headers.
  }
}

function requestOf(exchange: HttpExchange): UniversalServerRequest {
  const aborted = new AbortController();
  exchange.onAbort((reason) => aborted.abort(errorOfAbort(reason)));
  return {
    httpVersion: '2.0',
    method: exchange.method,
    url: `${exchange.scheme}://${exchange.authority}${exchange.path}`,
    header: toHeaders(exchange.headers.entries()),
    body: exchange.body,
    signal: aborted.signal,
    contextValues: createContextValues().set(callKey, exchange),
  };
}

function answer404(exchange: HttpExchange, headers: HeaderFields = []): void {
  void exchange.respond(404, headers);
}
