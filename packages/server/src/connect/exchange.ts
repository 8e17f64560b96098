import { type ConnectRouter, createConnectRouter } from '@connectrpc/connect';
import type { HeaderFields } from '@kvorum/h2';
import { connectFallback, gzipCompression } from '@kvorum/h2/connect';
import type { ExchangeFallback } from '../http/exchange-listener.ts';
import { notFoundReply } from '../http/http-message.ts';

/** Serves Connect and gRPC-Web over HTTP/2; what nobody serves is answered as over HTTP/1.1. */
export function connectExchanges(
  routes: (router: ConnectRouter) => void,
  readMaxBytes: number,
): ExchangeFallback {
  const router = createConnectRouter({ acceptCompression: [gzipCompression], readMaxBytes });
  routes(router);
  return connectFallback(router.handlers, (exchange, cors = []) => {
    const headers: HeaderFields = [...cors, ['content-type', 'text/plain; charset=utf-8']];
    void exchange.respond(notFoundReply.status, headers, Buffer.from(notFoundReply.body));
  });
}
