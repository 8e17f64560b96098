import type { HttpExchange } from '@kvorum/h2';
import { collectBody, type HttpRequest, notFoundReply, withHeaders } from './http-message.ts';
import type { HttpRouter } from './http-routes.ts';
import type { HttpSink, HttpStream } from './http-stream.ts';

/** Who answers an HTTP/2 request that is no plain page, with the CORS headers it has to send along. */
export type ExchangeFallback = (
  exchange: HttpExchange,
  cors: readonly (readonly [string, string])[],
) => void;

/** The `fallback` of an h2 server over `routes`: the same pages as `nodeListener` serves. */
export function exchangeListener(
  routes: HttpRouter,
  fallback?: ExchangeFallback,
): (exchange: HttpExchange) => void {
  return (exchange) => {
    void routes.route(exchangeRequest(exchange)).then((routed) => {
      if (routed.kind === 'other' && fallback !== undefined) {
        fallback(exchange, routed.cors.map(lowerCased));
        return undefined;
      }
      if (routed.kind === 'stream') return streamTo(exchange, routed.stream);
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
    body: (maxBytes) => collectBody(exchange.body, maxBytes),
  };
}

/** Resolves when the body is complete, or the client has left. */
async function streamTo(
  exchange: HttpExchange,
  { status, headers, open }: HttpStream,
): Promise<void> {
  const pieces = new PieceQueue();
  const left = open(pieces);
  exchange.onAbort(() => {
    pieces.end();
    left();
  });
  await exchange.respond(status, headers.map(lowerCased), pieces);
}

/** Pieces that wait until the client has taken those before them. */
class PieceQueue implements HttpSink, AsyncIterable<Uint8Array> {
  #waiting: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #wake: (() => void) | undefined;

  write(piece: string): number {
    const bytes = Buffer.from(piece);
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    this.#wake?.();
    return this.#bytes;
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
        yield piece;
        this.#bytes -= piece.length;
      }
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** HTTP/2 knows no capitals in header names. */
function lowerCased([name, value]: readonly [string, string]): [string, string] {
  return [name.toLowerCase(), value];
}
