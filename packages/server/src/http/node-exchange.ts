import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderFields } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import type { GatewayExchange } from '../json-gateway/exchange.ts';
import type { BodyDeadlines } from './body-deadlines.ts';
import { headerName } from './http-message.ts';

/** How long a client may go on sending after its answer is complete, in ms; then its connection is ended. */
const LINGER_MS = 2000;

/** A request to Node's HTTP/1 server, or to the compatible API of its HTTP/2, in the shape that HTTP/2's have. */
export class NodeExchange implements GatewayExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #deadlines: BodyDeadlines;
  #onAbort: (() => void) | undefined;
  #wakeSender: (() => void) | undefined;
  #isGone = false;
  #isEnded = false;
  #isRead = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    clock: Clock,
    deadlines: BodyDeadlines,
  ) {
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
    this.#deadlines = deadlines;
    // Its request tells of the connection's end as well; nobody else has to hear of it.
    request.on('error', () => {});
    response.on('error', () => {});
    response.on('drain', () => this.#wakeSender?.());
    response.once('close', () => this.#closed());
  }

  get method(): string {
    return this.#request.method ?? '';
  }

  get path(): string {
    return this.#request.url ?? '';
  }

  get scheme(): string {
    return 'encrypted' in this.#request.socket ? 'https' : 'http';
  }

  get authority(): string {
    return this.#request.headers.host ?? '';
  }

  get peer(): string {
    const { remoteAddress, remotePort } = this.#request.socket;
    return remotePort === undefined ? '' : `${remoteAddress}:${remotePort}`;
  }

  readonly headers = {
    get: (name: string): string | undefined => this.headers.getAll(name)[0],
    getAll: (name: string): readonly string[] => valuesOf(this.#request.headers[name]),
    entries: () => this.#entries(),
  };

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  allowSilence(): void {
    this.#deadlines.lift(this.#request);
  }

  onAbort(callback: () => void): void {
    if (this.#isGone) callback();
    else this.#onAbort = callback;
  }

  async respond(
    status: number,
    headers: HeaderFields,
    body: Uint8Array | AsyncIterable<Uint8Array> = new Uint8Array(0),
  ): Promise<void> {
    const response = this.#response;
    response.statusCode = status;
    for (const [name, value] of headers) response.appendHeader(headerName(name), value);
    if (!(body instanceof Uint8Array)) {
      await this.#sendAll(body);
    } else if (this.#request.complete || this.#isGone) {
      this.#end(body);
    } else {
      response.write(body);
    }
    this.#linger();
  }

  async #sendAll(body: AsyncIterable<Uint8Array>): Promise<void> {
    const response = this.#response;
    for await (const piece of body) {
      if (this.#isGone) return;
      if (response.write(piece)) continue;
      await new Promise<void>((resolve) => {
        this.#wakeSender = resolve;
      });
      if (this.#isGone) return;
    }
    this.#end();
  }

  #end(body?: Uint8Array): void {
    if (this.#isEnded || this.#isGone) return;
    this.#isEnded = true;
    this.#response.end(body);
  }

  *#entries(): Generator<[string, string]> {
    for (const [name, value] of Object.entries(this.#request.headers)) {
      for (const one of valuesOf(value)) yield [name, one];
    }
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const request = this.#request;
    this.#isRead = true;
    try {
      for await (const piece of request.iterator({ destroyOnReturn: false })) yield piece;
    } finally {
      // What follows is taken, and forgotten: the answer is not lost over it, and the connection is of use again.
      request.resume();
    }
  }

  #closed(): void {
    if (this.#isEnded) return;
    this.#isGone = true;
    this.#wakeSender?.();
    this.#onAbort?.();
  }

  /**
   * Ended at once, the connection would be closed under a client that still sends, and the answer lost with it. So the
   * client is given time to come to its end; then its connection is let go, since it can't ask anything else.
   */
  #linger(): void {
    const request = this.#request;
    if (request.complete || this.#isGone) {
      this.#end();
      return;
    }
    if (!this.#isRead) request.resume();
    const stop = this.#clock.after(LINGER_MS, () => {
      this.#end();
      request.destroy();
    });
    const finish = () => {
      stop();
      this.#end();
    };
    request.once('end', finish);
    request.once('close', finish);
  }
}

function valuesOf(value: string | string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
