import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { H2Error } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { StatusCode } from './status.ts';

/** One message: either its bytes or pieces to be sent one after the other. The transport owns them. */
export type Message = Uint8Array | readonly Uint8Array[];

/**
 * The metadata of a request or response: names in lower case, in the order of arrival.
 * Values of `-bin` names are kept as sent and decoded when asked for.
 */
export interface Metadata {
  /** The first value of a name, or undefined. */
  get(name: string): string | undefined;
  /** Every value of a name, in order. */
  getAll(name: string): readonly string[];
  /** The first value of a `-bin` name, base64 decoded; undefined when absent or not base64. */
  getBinary(name: string): Uint8Array | undefined;
  /** All fields in order; binary ones as they are on the wire. */
  entries(): Iterable<[string, string]>;
}

/** Why a call ended before its handler ended it. */
export type AbortReason = 'cancelled' | 'deadline' | 'connection';

/** What every call tells its handler. */
export interface CallInfo {
  readonly metadata: Metadata;
  /** Who calls, such as `127.0.0.1:51234`, or what `accept` was told. */
  readonly peer: string;
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  readonly scheme: string;
  /** `:authority`, or `host`, or ''. */
  readonly authority: string;
  /** Milliseconds that were left when the call arrived (`grpc-timeout`); undefined: no deadline. */
  readonly timeoutMs: number | undefined;
  /** True once the caller has gone, by cancellation, deadline or a lost connection. */
  readonly aborted: boolean;
  /** The connection it came on; its `stream` tells a TLS client's certificate. Undefined for a call without one. */
  readonly connection: Connection | undefined;
  /** Milliseconds to the deadline from now, negative when it has passed; undefined: no deadline. */
  remainingMs(): number | undefined;
  /**
   * Metadata for the response's headers; without effect once the first message or the status was sent.
   * `-bin` values must be base64 already; `content-type` and names with `grpc-` in front are left out.
   * Throws `H2Error` "protocol" for fields that cannot be sent.
   */
  setHeaders(metadata: HeaderFields): void;
  /** Metadata to go out with the status, whatever that is; as for `setHeaders`. */
  setTrailers(metadata: HeaderFields): void;
}

/**
 * One unary call. Exactly one of `reply` and `fail` is called, once, now or later; after an abort both
 * are ignored.
 */
export interface UnaryCall extends CallInfo {
  /** Called at most once, when the call is aborted; at once if it already was. One callback per call. */
  onAbort(callback: (reason: AbortReason) => void): void;
  /** Ends the call with OK. The bytes must not change afterwards. */
  reply(message: Message): void;
  /** Ends the call with an error; `details` goes out as `grpc-status-details-bin`. */
  fail(status: StatusCode, message: string, details?: Uint8Array): void;
}

/** A method with one message in and one out. */
export interface UnaryMethod {
  readonly kind: 'unary';
  /**
   * Called once per call, with a whole message, owned by the handler: the transport never reuses the
   * bytes. What it throws is a bug: the connection is closed and the error goes on to the process.
   */
  handle(request: Uint8Array, call: UnaryCall): void;
}

/** A call with any number of messages either way. `end` is called once; after an abort all is ignored. */
export interface StreamCall extends CallInfo {
  /**
   * Sends one message; its bytes must not change afterwards. False: the message is kept, but what waits
   * for the peer is over `Limits.streamSendHighWaterBytes`, or the socket has all it takes, so wait for
   * `onDrain`.
   * Over `Limits.maxStreamSendBytes` the call is ended, with `onAbort`.
   */
  send(message: Message): boolean;
  /** Ends the call, by default with OK; messages sent before still arrive before the status. */
  end(status?: StatusCode, message?: string, details?: Uint8Array): void;
  /** Stops `onMessage` until `resume`; the caller is then held back by flow control. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
}

/** What a streaming handler gives back; the transport calls it, always in the order of the wire. */
export interface StreamReceiver {
  /** One message, owned by the receiver. */
  onMessage(message: Uint8Array): void;
  /** The caller has sent its last message. Not called after an abort. */
  onHalfClose(): void;
  /** The call may send again, after `send` returned false. */
  onDrain?(): void;
  /** The call was ended from outside; nothing else is called afterwards. */
  onAbort(reason: AbortReason): void;
}

/** A method with any number of messages either way. */
export interface StreamMethod {
  readonly kind: 'stream';
  /** Called when the call's headers arrive. It may send, and even end, before it returns. */
  open(call: StreamCall): StreamReceiver;
}

/** A method by what serves it; it answers one call at a time, any number at once. */
export type GrpcMethod = UnaryMethod | StreamMethod;

/** Methods by path, e.g. '/etcdserverpb.KV/Put'. */
export type GrpcService = ReadonlyMap<string, GrpcMethod>;

/** Header fields in order: lower-case name, value. */
export type HeaderFields = Iterable<readonly [string, string]>;

/** An HTTP/2 request that is not gRPC: Connect, gRPC-Web, or plain HTTP. `respond` is called once. */
export interface HttpExchange {
  readonly method: string;
  /** Path with query, as in `:path`. */
  readonly path: string;
  readonly scheme: string;
  /** `:authority`, or `host`, or ''. */
  readonly authority: string;
  /** All fields but the pseudo ones. */
  readonly headers: Metadata;
  readonly peer: string;
  readonly connection: Connection;
  /**
   * The request's body; may be read once. Ends early with `H2Error` "aborted" when the peer leaves. A client
   * that asked, by `expect: 100-continue`, is told to send it when reading begins before the response.
   */
  readonly body: AsyncIterable<Uint8Array>;
  readonly aborted: boolean;
  /** The request may be silent for as long as it likes, as streams may: `bodyTimeoutMs` does not hold. */
  allowSilence(): void;
  /** Called at most once, when the peer leaves before the response is sent; at once if it has left. */
  onAbort(callback: (reason: AbortReason) => void): void;
  /**
   * Sends the response; waits for the peer between pieces of an iterable body. Trailers are asked for
   * after the body. Resolves when all is handed over or the exchange was aborted; rejects with what the
   * body threw (the stream is then reset), or with `H2Error` "protocol" for fields that cannot be sent.
   * Fields of HTTP/1.1 connections, such as `transfer-encoding`, are left out, and so are body and
   * trailers where HTTP allows none: after HEAD, 204 and 304.
   */
  respond(
    status: number,
    headers: HeaderFields,
    body?: Uint8Array | AsyncIterable<Uint8Array>,
    trailers?: () => HeaderFields,
  ): Promise<void>;
}

/** Counters of a server. Called on the hot path: must be quick and must not throw. */
export interface ServerStats {
  /** A connection was accepted. */
  connectionOpened(): void;
  /** A connection has ended. */
  connectionClosed(): void;
  /** Bytes read from and written to connections, frames and all. */
  bytesReceived(bytes: number): void;
  /** Bytes written to connections. */
  bytesSent(bytes: number): void;
  /** Calls of known methods only, so the set of paths is bounded. */
  callStarted(path: string): void;
  /** Aborted calls end here too, with CANCELLED, DEADLINE_EXCEEDED or UNAVAILABLE. */
  callFinished(path: string, status: StatusCode, durationMs: number): void;
  /** A whole message; bytes of the message alone. */
  messageReceived(path: string, bytes: number): void;
  /** A message of an answer, of so many bytes. */
  messageSent(path: string, bytes: number): void;
}

/** What a server serves, and what it is made of. */
export interface GrpcServerOptions {
  readonly methods: GrpcService;
  readonly clock: Clock;
  /** What differs from `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  /** Gets every request whose content type is not gRPC's. Without it they are answered 415. */
  readonly fallback?: (exchange: HttpExchange) => void;
  /** Told why a connection was closed, when it was not the peer's orderly goodbye. For logs. */
  readonly onError?: (error: H2Error, peer: string) => void;
  readonly stats?: ServerStats;
}

/** One accepted connection. */
export interface Connection {
  readonly peer: string;
  /** The byte stream as accepted; the transport reads and writes it, others may only look. */
  readonly stream: Duplex;
  readonly closed: boolean;
  /** Streams open now. */
  readonly activeStreams: number;
  /** Says GOAWAY, finishes what runs, then closes. Resolves when closed. */
  drain(): Promise<void>;
  /** Says GOAWAY and closes now; running calls are aborted with "connection". */
  close(): void;
}
