import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { ConnectionEnvironment } from '../connection.ts';
import type { Limits } from '../limits.ts';
import type { BackoffOptions } from './backoff.ts';
import type { CallStatus } from './call-status.ts';
import type { ClientConnection } from './client-connection.ts';
import type { DeadlineWheel } from './deadline-wheel.ts';
import type { HeaderFields, Message, Metadata } from './types.ts';

/** What may be said about one call. */
export interface CallOptions {
  /** Sent as header fields, names in any case. `-bin` values must be base64 already. */
  readonly metadata?: HeaderFields;
  /** Ends the call with DEADLINE_EXCEEDED after so many ms, counted from now. */
  readonly timeoutMs?: number;
  /** Ends the call with CANCELLED when it fires. */
  readonly signal?: AbortSignal;
  /** True: wait for a connection, also after failed attempts. False: fail with UNAVAILABLE. */
  readonly waitForReady?: boolean;
  /** Sends messages gzipped where that makes them smaller. Default false; received ones may always be. */
  readonly gzip?: boolean;
}

/** What may be said about one unary call, and who is told more of it than the reply. */
export interface UnaryOptions extends CallOptions {
  /** The response's headers have come; not called when the call ends without. */
  readonly onHead?: (metadata: Metadata) => void;
  /** Called once, before the reply or error is handed over; the status bears the trailers. */
  readonly onEnd?: (status: CallStatus) => void;
}

/** A plain HTTP request. */
export interface ClientRequest {
  readonly method: string;
  /** With the query, as in `:path`. */
  readonly path: string;
  readonly headers?: HeaderFields;
  /** Sent no faster than the server takes it, and no further once the response is complete. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Ends the request with CANCELLED when it fires. */
  readonly signal?: AbortSignal;
  /** True: wait for a connection, also after failed attempts. False: fail with UNAVAILABLE. */
  readonly waitForReady?: boolean;
}

/** What comes back for a `ClientRequest`. */
export interface ClientResponse {
  readonly status: number;
  readonly headers: Metadata;
  /**
   * May be read once; held back by flow control until it is. Ends early with `CallError` when the response
   * is lost, or with what the request's body threw. To stop reading cancels the request.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** All there once the body has been read to its end. */
  readonly trailers: Metadata;
}

/** A call, to the client that finds it a stream. */
export interface PendingCall {
  readonly hasEnded: boolean;
  readonly waitsForReady: boolean;
  /** Begins on a connection that is ready; false when that takes no more streams. */
  start(connection: ClientConnection): boolean;
  cancel(): void;
  /** Ends the call at this end, whatever the server does. */
  abandon(status: CallStatus): void;
}

/** `idle`: no connection and none wanted. `waiting`: before the next attempt. */
export type ClientState = 'idle' | 'connecting' | 'ready' | 'waiting' | 'closed';

/** How a client reaches its server, and what it is made of. */
export interface GrpcClientOptions {
  /** Opens a byte stream to the server, TLS and all. Rejects when it cannot. */
  readonly dial: () => Promise<Duplex>;
  /** For `:authority`, such as `localhost:2379`. */
  readonly authority: string;
  /** For `:scheme`; 'https' over TLS. Default 'http'. */
  readonly scheme?: 'http' | 'https';
  readonly userAgent?: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), to spread attempts to connect. */
  readonly random: () => number;
  /** What differs from `defaultLimits`; a client's `keepaliveIntervalMs` is 0, never, by default. */
  readonly limits?: Partial<Limits>;
  readonly backoff?: Partial<BackoffOptions>;
  /** `error` says why the last attempt or connection failed, where it did. */
  readonly onStateChange?: (state: ClientState, error: Error | undefined) => void;
}

/** What all calls and connections of a client share. */
export interface ClientShared {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly deadlines: DeadlineWheel;
  readonly environment: ConnectionEnvironment;
  /** Sends a call again that the server has certainly not looked at. */
  retry(call: PendingCall): void;
}

/** The caller's end of a streaming call. After the end all methods are without effect. */
export interface ClientStream {
  /**
   * Sends one message; its bytes must not change afterwards. False: it is kept, but `onDrain` should be
   * waited for.
   */
  send(message: Message): boolean;
  /** Says that no more messages will be sent. */
  halfClose(): void;
  /** Ends the call with CANCELLED. */
  cancel(): void;
  /** Stops `onMessage` until `resume`; the server is then held back by flow control. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
}

/** Told what comes back on a streaming call, in the order of the wire. */
export interface ClientReceiver {
  /** The response's headers have come; not called when the call ends without. */
  onHead?(metadata: Metadata): void;
  /** One message, owned by the receiver. */
  onMessage(message: Uint8Array): void;
  /** What `send` kept has gone out. */
  onDrain?(): void;
  /** Called once, after the last message. */
  onEnd(status: CallStatus): void;
}
