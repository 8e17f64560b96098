import type { HttpExchange } from '@kvorum/h2';
import { type HttpRequest, notFoundReply, withHeaders } from './http-message.ts';
import type { HttpRoutes } from './http-routes.ts';

/** Who answers an HTTP/2 request that is no plain page, with the CORS headers it has to send along. */
export type ExchangeFallback = (
  exchange: HttpExchange,
  cors: readonly (readonly [string, string])[],
) => void;

/** The `fallback` of an h2 server over `routes`: the same pages as `nodeListener` serves. */
export function exchangeListener(
  routes: HttpRoutes,
  fallback?: ExchangeFallback,
): (exchange: HttpExchange) => void {
  return (exchange) => {
    void routes.route(exchangeRequest(exchange)).then((routed) => {
      if (routed.kind === 'other' && fallback !== undefined) {
        fallback(exchange, routed.cors.map(lowerCased));
        return undefined;
      }
      const reply =
        routed.kind === 'reply' ? routed.reply : withHeaders(notFoundReply, routed.cors);
      const body = Buffer.from(reply.body);
      const headers = [...reply.headers, ['Content-Length', String(body.length)] as const];
      return exchange.respond(reply.status, headers.map(lowerCased), body);
    });
  };
}

function exchangeRequest(exchange: HttpExchange): HttpRequest {
  return {
    method: exchange.method,
    target: exchange.path,
    host: exchange.authority,
    secure: exchange.scheme === 'https',
    header: (name) => exchange.headers.get(name),
  };
}

/** HTTP/2 knows no capitals in header names. */
function lowerCased([name, value]: readonly [string, string]): [string, string] {
  return [name.toLowerCase(), value];
}
