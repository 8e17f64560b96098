import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import {
  bytesPerFrame,
  type ConnectionEnvironment,
  type Endpoint,
  H2Connection,
} from '../connection.ts';
import { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import { invariant } from '../invariant.ts';
import type { Limits } from '../limits.ts';
import { type GateOwner, PrefaceGate } from '../preface-gate.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { TokenBucket } from '../token-bucket.ts';
import { Watchdog } from '../watchdog.ts';
import type { Worker } from '../work-turns.ts';
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

/** What it takes to read a call. */
const framesOfCall = 2;

/** What text and numbers grow by at most; beyond that a message was made to grow. */
const usualGrowth = 32;

/** A server's side of one connection: turns its requests into calls. */
export class ServerConnection implements Connection, Endpoint, GateOwner, Worker {
  readonly shared: ServerShared;
  readonly stream: Duplex;
  readonly peer: string;
  readonly #openedAtMs: number;
  /** Before the preface; with it comes the rest. */
  readonly #gate: PrefaceGate;
  #connection: H2Connection | undefined = undefined;
  #watchdog: Watchdog | undefined = undefined;
  /** When it was turned away at the gate; -1: it was not. */
  #turnedAwayAtMs = -1;
  #isClosed = false;
  /** Of what gzip has done for the client. */
  #inflation: TokenBucket | undefined = undefined;
  #deflation: TokenBucket | undefined = undefined;
  /** Unary calls that are complete, and wait for their turn, or for the output to fall below its limit. */
  #deferred: ServerUnaryCall[] = noCalls;
  #isInLine = false;
  #whenClosed: (() => void)[] | undefined = undefined;

  constructor(shared: ServerShared, stream: Duplex, peer: string) {
    this.shared = shared;
    this.stream = stream;
    this.peer = peer;
    this.#openedAtMs = shared.clock.now();
    this.#gate = new PrefaceGate(stream, this);
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get activeStreams(): number {
    return this.#connection?.activeStreams ?? 0;
  }

  /** Begins, with bytes that were read before all others. */
  start(firstBytes: Uint8Array | undefined): void {
    if (firstBytes !== undefined) this.#gate.push(firstBytes);
  }

  /** Looks after its timeouts; true when one of them has ended it. */
  sweep(nowMs: number): boolean {
    const { handshakeTimeoutMs, closeTimeoutMs } = this.shared.limits;
    if (this.#watchdog !== undefined) {
      this.#watchdog.sweep(nowMs);
      return this.#h2.ended;
    }
    if (this.#turnedAwayAtMs < 0) {
      if (nowMs - this.#openedAtMs < handshakeTimeoutMs) return false;
      const text = 'no SETTINGS came';
      this.#turnAway(ErrorCode.noError, text, new H2Error('timeout', text));
    } else if (nowMs - this.#turnedAwayAtMs >= closeTimeoutMs) {
      this.stream.destroy();
    }
    return true;
  }

  drain(): Promise<void> {
    if (this.#connection === undefined) this.close();
    else this.#connection.drain();
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenClosed ??= [];
      this.#whenClosed.push(resolve);
    });
  }

  close(): void {
    if (this.#connection === undefined) this.#turnAway(ErrorCode.noError, '', undefined);
    else this.#connection.end(ErrorCode.noError, '', undefined);
  }

  /** Sends it away at once, to make room for others. */
  expel(text: string): void {
    const errorCode = ErrorCode.enhanceYourCalm;
    const error = new H2Error('limit', text, errorCode);
    if (this.#connection === undefined) this.#turnAway(errorCode, text, error);
    else this.#connection.end(errorCode, text, error);
    this.stream.destroy();
  }

  onOpen(bytes: Buffer): void {
    const { stream, peer, shared } = this;
    this.#connection = new H2Connection(shared.environment, this, stream, true, peer);
    this.#connection.openedAtMs = this.#openedAtMs;
    this.#watchdog = new Watchdog(this.#connection);
    this.#connection.start(bytes);
  }

  onGone(error: Error | undefined): void {
    this.#turnedAwayAtMs = this.shared.clock.now();
    this.onEnd(
      error === undefined ? undefined : new H2Error('transport', error.message, undefined, error),
    );
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
    return this.#deferred.length > 0 || this.#h2.sender.isBehind;
  }

  defer(call: ServerUnaryCall): void {
    if (this.#deferred.length === 0) this.#deferred = [];
    this.#deferred.push(call);
    this.#standInLine();
  }

  get hasMore(): boolean {
    return this.#deferred.length > 0 && !this.#h2.sender.isCongested;
  }

  /** Hands the next of the calls that wait to its handler. */
  work(): number {
    const { sender } = this.#h2;
    const before = sender.queuedBytes + sender.sentBytes;
    if (this.hasMore) this.#deferred.shift()?.dispatch();
    this.#isInLine = this.hasMore;
    if (this.#deferred.length === 0) this.#deferred = noCalls;
    return framesOfCall + (sender.queuedBytes + sender.sentBytes - before) / bytesPerFrame;
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
    if (this.#deferred.length > 0) this.#standInLine();
  }

  onEnd(error: H2Error | undefined): void {
    this.#deferred = noCalls;
    this.shared.onEnd(this, error);
  }

  onClosed(): void {
    this.#isClosed = true;
    this.shared.onClosed(this);
    for (const resolve of this.#whenClosed ?? []) resolve();
    this.#whenClosed = undefined;
  }

  bytesReceived(bytes: number): void {
    this.shared.stats.bytesReceived(bytes);
  }

  bytesSent(bytes: number): void {
    this.shared.stats.bytesSent(bytes);
  }

  /** Whoever asks has a call, or was asked by the connection. */
  get #h2(): H2Connection {
    const connection = this.#connection;
    invariant(connection !== undefined, 'there are no calls before the preface');
    return connection;
  }

  #standInLine(): void {
    if (this.#isInLine || !this.hasMore) return;
    this.#isInLine = true;
    this.shared.environment.workTurns.add(this);
  }

  #turnAway(errorCode: number, text: string, error: H2Error | undefined): void {
    if (this.#turnedAwayAtMs >= 0) return;
    this.#turnedAwayAtMs = this.shared.clock.now();
    this.#gate.turnAway(errorCode, text);
    this.onEnd(error);
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

/** Shared by all that have none; never changed. */
const noCalls: ServerUnaryCall[] = [];
