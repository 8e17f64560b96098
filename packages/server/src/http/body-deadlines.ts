import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';

/**
 * Bounds the time in which a request over HTTP/1 must be complete, as Node's own `requestTimeout` does, which knows no
 * exceptions: a stream of requests takes as long as it likes.
 */
export class BodyDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #stops = new WeakMap<IncomingMessage, () => void>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** From now on; a request that is late is answered with 408 if nothing was said yet, and its connection ended. */
  start(request: IncomingMessage, response: ServerResponse): void {
    const { headers } = request;
    const hasBody =
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody) return;
    const stop = this.#clock.after(this.#timeoutMs, () => {
      if (response.headersSent) request.destroy();
      else response.writeHead(408, { Connection: 'close' }).end(() => request.destroy());
    });
    this.#stops.set(request, stop);
    request.once('end', stop);
    request.once('close', stop);
  }

  /** The request may take its time. */
  lift(request: IncomingMessage): void {
    this.#stops.get(request)?.();
  }
}
