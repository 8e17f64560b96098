import { type ConnectRouter, createConnectRouter } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { HeaderFields, HttpExchange } from '@kvorum/h2';
import type { ExchangeFallback } from '../http/exchange-listener.ts';
import { notFoundReply } from '../http/http-message.ts';

/** Serves Connect and gRPC-Web over the HTTP/2 of `@kvorum/h2`, through Connect's port for adapters. */
export function connectExchanges(routes: (router: ConnectRouter) => void): ExchangeFallback {
  const router = createConnectRouter();
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (exchange, cors) => {
    const [path = ''] = exchange.path.split('?');
    const handler = handlers.get(path);
    if (handler === undefined) {
      const headers = [...cors, ['content-type', 'text/plain; charset=utf-8']] as const;
      void exchange.respond(
        notFoundReply.status,
        headers as HeaderFields,
        Buffer.from(notFoundReply.body),
      );
      return;
    }
    void serve(handler, exchange, cors);
  };
}

async function serve(
  handler: UniversalHandler,
  exchange: HttpExchange,
  cors: HeaderFields,
): Promise<void> {
  const aborted = new AbortController();
  exchange.onAbort((reason) => aborted.abort(new Error(reason)));
  try {
    const response = await handler({
      httpVersion: '2.0',
      method: exchange.method,
      url: `${exchange.scheme}://${exchange.authority}${exchange.path}`,
      header: new Headers([...exchange.headers.entries()]),
      body: exchange.body,
      signal: aborted.signal,
    });
    const headers = [...cors, ...fields(response.header)];
    const trailers = () => fields(response.trailer);
    await exchange.respond(response.status, headers, response.body, trailers);
  } catch (error) {
    // A handler answers its own errors; what arrives here is a caller that has gone, or a body that failed half-way.
    if (!exchange.aborted && !aborted.signal.aborted) {
      await exchange.respond(500, [...cors], Buffer.from(`${String(error)}\n`)).catch(() => {});
    }
  }
}

function fields(headers: Headers | undefined): [string, string][] {
  return headers === undefined ? [] : [...headers.entries()];
}
