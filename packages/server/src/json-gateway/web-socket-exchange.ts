import type { IncomingMessage } from 'node:http';
import type { HeaderFields } from '@kvorum/h2';
import type { WebSocket } from 'ws';
import type { GatewayExchange } from './exchange.ts';

/** Bytes of messages that may wait to be read before the client is held back. */
const HIGH_WATER_BYTES = 64 * 1024;
/** The close code of a conversation that is over. */
const NORMAL = 1000;

/**
 * A conversation by WebSocket as a POST: each message that comes is a piece of the body, each line of the answer is a
 * message. There is nowhere to tell the status of an answer; its body says what is wrong.
 */
export class WebSocketExchange implements GatewayExchange {
  readonly method = 'POST';
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly peer: string;
  readonly #socket: WebSocket;
  readonly #authorization: string | undefined;
  #messages: Buffer[] = [];
  #waitingBytes = 0;
  #isClosed = false;
  #isAnswered = false;
  #wakeReader: (() => void) | undefined;
  #onAbort: (() => void) | undefined;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.path = request.url ?? '';
    this.scheme = 'encrypted' in request.socket ? 'https' : 'http';
    this.authority = request.headers.host ?? '';
    this.peer = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
    this.#authorization = authorizationOf(request);
    socket.on('message', (data) => this.#add(data as Buffer));
    // A close follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#close());
  }

  /** Of a page's headers a WebSocket has next to none; only the token counts. */
  readonly headers = {
    get: (name: string): string | undefined => this.headers.getAll(name)[0],
    getAll: (name: string): readonly string[] =>
      name === 'authorization' && this.#authorization !== undefined ? [this.#authorization] : [],
    entries: (): Iterable<[string, string]> =>
      this.#authorization === undefined ? [] : [['authorization', this.#authorization]],
  };

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  allowSilence(): void {}

  onAbort(callback: () => void): void {
    if (this.#isClosed) callback();
    else this.#onAbort = callback;
  }

  async respond(
    _status: number,
    _headers: HeaderFields,
    body: Uint8Array | AsyncIterable<Uint8Array> = new Uint8Array(0),
  ): Promise<void> {
    let line = '';
    for await (const piece of body instanceof Uint8Array ? [body] : body) {
      line += Buffer.from(piece).toString();
      if (!line.endsWith('\n')) continue;
      await this.#send(line.slice(0, -1));
      line = '';
      if (this.#isClosed) return;
    }
    if (line !== '') await this.#send(line);
    this.#isAnswered = true;
    this.#socket.close(NORMAL);
  }

  /** Resolves when the message was handed to the system, or can't be. */
  #send(text: string): Promise<void> {
    return new Promise((resolve) => this.#socket.send(text, () => resolve()));
  }

  #add(message: Buffer): void {
    // Two numbers must not become one.
    this.#messages.push(message, Buffer.from('\n'));
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > HIGH_WATER_BYTES) this.#socket.pause();
    this.#wakeReader?.();
  }

  #close(): void {
    this.#isClosed = true;
    this.#wakeReader?.();
    if (!this.#isAnswered) this.#onAbort?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const messages = this.#messages;
        this.#messages = [];
        this.#waitingBytes = 0;
        if (this.#socket.isPaused) this.#socket.resume();
        yield* messages;
        if (this.#messages.length > 0) continue;
        if (this.#isClosed) return;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    } finally {
      // What follows is not looked at.
      this.#socket.removeAllListeners('message');
      this.#socket.resume();
    }
  }
}

/** The token that a page can give: behind the protocol `Bearer`, or as the cookie `token`, which counts for more. */
function authorizationOf({ headers }: IncomingMessage): string | undefined {
  const cookie = /(?:^|;\s*)token=([^;]*)/.exec(headers.cookie ?? '')?.[1];
  const protocol = /^Bearer,(.*)$/.exec(headers['sec-websocket-protocol'] ?? '')?.[1];
  const token = cookie ?? protocol?.trim();
  return token === undefined ? undefined : `Bearer ${token}`;
}
