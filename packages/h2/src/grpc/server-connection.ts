import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import { type ConnectionEnvironment, type Endpoint, H2Connection } from '../connection.ts';
import type { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import type { Limits } from '../limits.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { TokenBucket } from '../token-bucket.ts';
import { Watchdog } from '../watchdog.ts';
import { planOf, type Refusal, unsupportedContentType } from './call-plan.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import { refusalFields } from './response-fields.ts';
import { ServerExchange } from './server-exchange.ts';
import { ServerStreamCall } from './server-stream-call.ts';
import { ServerUnaryCall } from './server-unary-call.ts';
import type { Connection, GrpcService, HttpExchange, ServerStats } from './types.ts';

/** What all connections of a server share. */
export interface ServerShared {
  readonly methods: GrpcService;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly stats: ServerStats;
  readonly deadlines: DeadlineWheel;
  readonly environment: ConnectionEnvironment;
  readonly fallback: ((exchange: HttpExchange) => void) | undefined;
  /** Told when the peer's SETTINGS have come, the first time or again. */
  onGreeted(connection: ServerConnection): void;
  /** Told once when a connection's streams are over, and once when its byte stream is gone. */
  onEnd(connection: ServerConnection, error: H2Error | undefined): void;
  onClosed(connection: ServerConnection): void;
}

/** A stream that was answered from its headers; what else comes on it does not matter. */
const answered: StreamSink = {
  onHeaders: () => {},
  onData: () => {},
  onEnd: () => {},
  onDrain: () => {},
  onStreamLost: () => {},
  onSweep: () => {},
};

/** What text and numbers grow by at most; beyond that a message was made to grow. */
const usualGrowth = 32;

/** A server's side of one connection: turns its requests into calls. */
export class ServerConnection implements Connection, Endpoint {
  readonly shared: ServerShared;
  readonly #h2: H2Connection;
  readonly #watchdog: Watchdog;
  /** Of what gzip has done for the client. */
  #inflation: TokenBucket | undefined = undefined;
  #deflation: TokenBucket | undefined = undefined;
  /** Unary calls that are complete, and wait for the output to fall below its limit. */
  #deferred: ServerUnaryCall[] = [];
  #whenClosed: (() => void)[] = [];

  constructor(shared: ServerShared, stream: Duplex, peer: string) {
    this.shared = shared;
    this.#h2 = new H2Connection(shared.environment, this, stream, true, peer);
    this.#watchdog = new Watchdog(this.#h2);
  }

  get peer(): string {
    return this.#h2.peer;
  }

  get stream(): Duplex {
    return this.#h2.stream;
  }

  get closed(): boolean {
    return this.#h2.closed;
  }

  get activeStreams(): number {
    return this.#h2.activeStreams;
  }

  start(firstBytes: Uint8Array | undefined): void {
    this.#h2.start(firstBytes);
  }

  sweep(nowMs: number): void {
    this.#watchdog.sweep(nowMs);
  }

  drain(): Promise<void> {
    this.#h2.drain();
    if (this.#h2.closed) return Promise.resolve();
    return new Promise((resolve) => this.#whenClosed.push(resolve));
  }

  close(): void {
    this.#h2.end(ErrorCode.noError, '', undefined);
  }

  /** Sends it away at once, to make room for others. */
  expel(text: string): void {
    this.#h2.fail(ErrorCode.enhanceYourCalm, text, 'limit');
    this.#h2.stream.destroy();
  }

  /**
   * Notes that a message was decompressed; false, and the connection is ended, when too much comes of too
   * little too often.
   */
  mayInflate(fromBytes: number, toBytes: number): boolean {
    const growth = toBytes - fromBytes * usualGrowth;
    if (growth <= 0) return true;
    const { limits, nowMs } = this.#h2;
    const { inflateBurstBytes, inflateBytesPerSecond } = limits;
    const burst = Math.max(inflateBurstBytes, limits.maxReceiveMessageBytes);
    this.#inflation ??= new TokenBucket(burst, inflateBytesPerSecond, nowMs);
    if (this.#inflation.take(nowMs, growth)) return true;
    this.#h2.fail(ErrorCode.enhanceYourCalm, 'gzipped messages grow too much', 'limit');
    return false;
  }

  /** False when so much has been gzipped for the client that messages go out as they are. */
  mayDeflate(bytes: number): boolean {
    const { deflateBurstBytes, deflateBytesPerSecond } = this.#h2.limits;
    // A stream may send for hours without a word from the client.
    const nowMs = this.shared.clock.now();
    this.#deflation ??= new TokenBucket(deflateBurstBytes, deflateBytesPerSecond, nowMs);
    return this.#deflation.take(nowMs, bytes);
  }

  /** New unary calls must wait, in order, behind those that do already. */
  get mustWait(): boolean {
    return this.#h2.sender.isCongested || this.#deferred.length > 0;
  }

  defer(call: ServerUnaryCall): void {
    this.#deferred.push(call);
  }

  onRequest(stream: H2Stream, head: RequestHead, _endStream: boolean): void {
    const { shared } = this;
    const plan = planOf(head, shared.methods);
    const { method } = plan;
    if (plan.kind === 'http') {
      this.#onHttp(stream, head);
    } else if (plan.refusal !== undefined) {
      this.#refuse(stream, plan.refusal);
    } else if (method?.kind === 'unary') {
      stream.sink = new ServerUnaryCall(this, stream, head, plan, method);
    } else if (method?.kind === 'stream') {
      const call = new ServerStreamCall(this, stream, head, plan);
      stream.sink = call;
      call.open(method);
    }
  }

  /** A client says that it is going; it closes the connection when it is done. */
  onGoaway(_lastStreamId: number, _errorCode: number): void {}

  onSettings(): void {
    this.shared.onGreeted(this);
  }

  onRelief(): void {
    if (this.#deferred.length === 0) return;
    const { sender } = this.#h2;
    const deferred = this.#deferred;
    let next = 0;
    while (next < deferred.length && !sender.isCongested) {
      (deferred[next] as ServerUnaryCall).dispatch();
      next += 1;
    }
    this.#deferred = deferred.slice(next);
  }

  onEnd(error: H2Error | undefined): void {
    this.#deferred = [];
    this.shared.onEnd(this, error);
  }

  onClosed(): void {
    this.shared.onClosed(this);
    const waiting = this.#whenClosed;
    this.#whenClosed = [];
    for (const resolve of waiting) resolve();
  }

  bytesReceived(bytes: number): void {
    this.shared.stats.bytesReceived(bytes);
  }

  bytesSent(bytes: number): void {
    this.shared.stats.bytesSent(bytes);
  }

  #onHttp(stream: H2Stream, head: RequestHead): void {
    const { fallback } = this.shared;
    if (fallback === undefined) {
      this.#refuse(stream, unsupportedContentType(head.contentType));
      return;
    }
    const exchange = new ServerExchange(this, stream, head);
    stream.sink = exchange;
    fallback(exchange);
  }

  #refuse(stream: H2Stream, refusal: Refusal): void {
    stream.sink = answered;
    this.#h2.sender.sendHeaders(stream, refusalFields(refusal), true);
  }
}
