import type { EventEmitter } from 'node:events';
import {
  constants,
  createServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type {
  AbortReason,
  GrpcMethod,
  GrpcService,
  HeaderFields,
  Message,
  Metadata,
  ServerStats,
  StreamCall,
  StreamReceiver,
  UnaryCall,
} from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import { parseTimeout } from './grpc-timeout.ts';
import { MessageReader } from './message-reader.ts';
import { percentEncode } from './percent-encode.ts';
import { refusalOf } from './refusal.ts';
import type { Transport } from './transport.ts';

export interface NodeHttp2Options {
  readonly methods: GrpcService;
  readonly clock: Clock;
  readonly stats: ServerStats;
  /** Messages beyond are refused, in bytes. */
  readonly maxReceiveMessageBytes: number;
  readonly maxConcurrentStreams: number;
  /** Gets what isn't gRPC. */
  readonly fallback: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
}

const DEADLINE_EXCEEDED = 4;
const UNKNOWN = 2;
const INTERNAL = 13;
/** Windows of 1 MiB a stream and 16 MiB a connection: Node's own 64 KiB stall large values. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** Node's accounting of a connection's memory, in MB; its default of 10 closes busy connections. */
const MAX_SESSION_MEMORY_MB = 256;
const SEND_HIGH_WATER_BYTES = 256 * 1024;
/** How long a caller may go on sending after its call was answered, before its stream is reset. */
const LINGER_MS = 2000;

/** gRPC over Node's own HTTP/2, through its lowest API: one `stream` event a call and no request objects. */
export class NodeHttp2Transport implements Transport {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: NodeHttp2Options) {
    this.#server = createServer({
      maxSessionMemory: MAX_SESSION_MEMORY_MB,
      settings: {
        initialWindowSize: STREAM_WINDOW,
        maxConcurrentStreams: options.maxConcurrentStreams,
      },
    });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const type = headers['content-type'] ?? '';
      if (type === 'application/grpc' || /^application\/grpc[+;]/.test(type)) {
        new GrpcStream(options, stream, headers).start(headers);
        return;
      }
      // What a 'request' listener would get; one of those would also answer the calls above.
      const request = new Http2ServerRequest(stream, headers, {}, []);
      options.fallback(request, new Http2ServerResponse(stream));
    });
    this.#server.on('session', (session) => this.#track(session, options.stats));
    this.#server.on('sessionError', () => {});
  }

  accept(socket: Socket, firstBytes: Buffer): void {
    socket.pause();
    socket.unshift(firstBytes);
    // The session takes over what is buffered by itself; resuming here would lose it.
    (this.#server as EventEmitter).emit('connection', socket);
  }

  async drain(): Promise<void> {
    const closed = [...this.#sessions].map(
      (session) => new Promise<void>((resolve) => session.close(resolve)),
    );
    await Promise.all(closed);
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #track(session: ServerHttp2Session, stats: ServerStats): void {
    session.setLocalWindowSize(CONNECTION_WINDOW);
    this.#sessions.add(session);
    stats.connectionOpened();
    session.on('error', () => {});
    session.once('close', () => {
      this.#sessions.delete(session);
      stats.connectionClosed();
    });
  }
}

/** One gRPC call, unary or streaming. */
class GrpcStream implements UnaryCall, StreamCall {
  readonly metadata: Metadata;
  readonly peer: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly timeoutMs: number | undefined;
  aborted = false;
  readonly #options: NodeHttp2Options;
  readonly #stream: ServerHttp2Stream;
  readonly #startMs: number;
  #method: GrpcMethod | undefined;
  #receiver: StreamReceiver | undefined;
  #request: Uint8Array | undefined;
  #onAbort: ((reason: AbortReason) => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #responded = false;
  #ended = false;
  #headers: Readonly<Record<string, string>> = {};
  #trailers: Readonly<Record<string, string>> = {};

  constructor(options: NodeHttp2Options, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#options = options;
    this.#stream = stream;
    this.path = headers[':path'] as string;
    this.scheme = headers[':scheme'] ?? '';
    this.authority = headers[':authority'] ?? headers.host ?? '';
    this.metadata = metadataOf(headers);
    this.peer = `${stream.session?.socket.remoteAddress}:${stream.session?.socket.remotePort}`;
    const timeout = headers['grpc-timeout'];
    this.timeoutMs = typeof timeout === 'string' ? parseTimeout(timeout) : undefined;
    this.#startMs = options.clock.nowMs();
  }

  /** Node hides it. */
  get connection(): undefined {
    return undefined;
  }

  remainingMs(): number | undefined {
    if (this.timeoutMs === undefined) return undefined;
    return this.#startMs + this.timeoutMs - this.#options.clock.nowMs();
  }

  setHeaders(metadata: HeaderFields): void {
    this.#headers = Object.fromEntries(metadata);
  }

  setTrailers(metadata: HeaderFields): void {
    this.#trailers = Object.fromEntries(metadata);
  }

  start(headers: IncomingHttpHeaders): void {
    const stream = this.#stream;
    stream.on('error', () => {});
    const refusal = refusalOf(this.path, headers, this.#options.methods);
    if (refusal !== undefined) {
      this.#finish(refusal.status, refusal.text, refusal.httpStatus);
      return;
    }
    this.#method = this.#options.methods.get(this.path);
    this.#options.stats.callStarted(this.path);
    stream.once('close', () => this.#abort('cancelled'));
    if (this.timeoutMs !== undefined) {
      this.#stopTimer = this.#options.clock.after(this.timeoutMs, () => this.#expire());
    }
    const isGzip = headers['grpc-encoding'] === 'gzip';
    const reader = new MessageReader(this.#options.maxReceiveMessageBytes, isGzip, {
      onMessage: (message) => this.#onMessage(message),
      onError: (status, text) => this.#finish(status, text),
    });
    if (this.#method?.kind === 'stream') this.#receiver = this.#method.open(this);
    stream.on('data', (chunk: Buffer) => {
      if (!this.#ended) reader.push(chunk);
    });
    stream.on('end', () => {
      this.#onHalfClose(reader.isCut);
    });
    stream.on('drain', () => this.#receiver?.onDrain?.());
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.aborted) callback('cancelled');
    else this.#onAbort = callback;
  }

  reply(message: Message): void {
    this.send(message);
    this.#finish(0);
  }

  fail(status: number, text: string): void {
    this.#finish(status, text);
  }

  send(message: Message): boolean {
    if (this.#ended || this.aborted || this.#isGone) return true;
    this.#respond();
    const pieces = message instanceof Uint8Array ? [message] : message;
    let size = 0;
    for (const piece of pieces) size += piece.length;
    const head = Buffer.alloc(5);
    head.writeUInt32BE(size, 1);
    this.#options.stats.messageSent(this.path, size);
    this.#stream.write(Buffer.concat([head, ...pieces]));
    return this.#stream.writableLength < SEND_HIGH_WATER_BYTES;
  }

  end(status = 0, text = ''): void {
    this.#finish(status, text);
  }

  /** The caller has reset the stream; the event that tells it is on its way. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #onMessage(message: Uint8Array): void {
    // What follows a unary call's message is not looked at, as in grpc-go.
    if (this.#ended || this.aborted || this.#request !== undefined) return;
    this.#options.stats.messageReceived(this.path, message.length);
    if (this.#receiver !== undefined) this.#receiver.onMessage(message);
    else this.#request = message;
  }

  #onHalfClose(isCut: boolean): void {
    if (this.#ended || this.aborted) return;
    if (this.#receiver !== undefined) {
      if (isCut) this.#finish(INTERNAL, 'unexpected EOF');
      else this.#receiver.onHalfClose();
    } else if (this.#method?.kind === 'unary') {
      if (this.#request === undefined) this.#finish(UNKNOWN, isCut ? 'unexpected EOF' : 'EOF');
      else this.#method.handle(this.#request, this);
    }
  }

  #respond(): void {
    if (this.#responded) return;
    this.#responded = true;
    this.#stream.respond(
      { ...this.#headers, ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
  }

  #finish(status: number, text = '', httpStatus = 200): void {
    if (this.#ended || this.aborted) return;
    this.#ended = true;
    this.#stopTimer?.();
    if (this.#method !== undefined) {
      const tookMs = this.#options.clock.nowMs() - this.#startMs;
      this.#options.stats.callFinished(this.path, status, tookMs);
    }
    const trailers = {
      ...this.#trailers,
      'grpc-status': String(status),
      ...(text === '' ? {} : { 'grpc-message': percentEncode(text) }),
    };
    const stream = this.#stream;
    if (this.#isGone) return;
    if (!this.#responded) {
      const type = 'application/grpc';
      const own = { ':status': httpStatus, 'content-type': type };
      const headers = { ...this.#headers, ...own, ...trailers };
      stream.respond(headers, { endStream: true });
      this.#stopReading();
      return;
    }
    stream.once('wantTrailers', () => {
      stream.sendTrailers(trailers);
      this.#stopReading();
    });
    stream.end();
  }

  /**
   * What a caller still sends is thrown away. One that does not come to its end is told that nobody listens (RFC 9113
   * §8.1), but later: node:http2 drops what waits to be sent on a stream that is reset, even the status of the call.
   */
  #stopReading(): void {
    const stream = this.#stream;
    stream.resume();
    if (stream.readableEnded) return;
    const reset = () => stream.close(constants.NGHTTP2_NO_ERROR);
    stream.once('close', this.#options.clock.after(LINGER_MS, reset));
  }

  #expire(): void {
    const receiver = this.#receiver;
    this.#finish(DEADLINE_EXCEEDED, 'context deadline exceeded');
    receiver?.onAbort('deadline');
    this.#onAbort?.('deadline');
    this.aborted = true;
  }

  #abort(reason: AbortReason): void {
    if (this.#ended || this.aborted) return;
    this.aborted = true;
    this.#stopTimer?.();
    this.#options.stats.callFinished(this.path, 1, this.#options.clock.nowMs() - this.#startMs);
    this.#receiver?.onAbort(reason);
    this.#onAbort?.(reason);
  }
}

function metadataOf(headers: IncomingHttpHeaders): Metadata {
  const get = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    get,
    getAll: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value : value === undefined ? [] : [value];
    },
    getBinary: (name) => {
      const value = get(name);
      return value === undefined ? undefined : Buffer.from(value, 'base64');
    },
    entries: () => Object.entries(headers).map(([name, value]) => [name, String(value)]),
  };
}
