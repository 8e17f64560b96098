import type { Endpoint } from './endpoints/endpoint.ts';
import type { FailureReason } from './errors.ts';

/** Why a connection could not be made or was lost. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** How one call over a channel ended, other than well. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  /** gRPC status number, 1 to 16. */
  readonly status: number;
  /** True when the endpoint certainly has not acted on the call. */
  readonly isUnprocessed: boolean;
  /** Set when the call failed because there was no connection, or, where nobody can tell the two apart, it was lost. */
  readonly connect: ConnectFailure | undefined;

  constructor(status: number, text: string, isUnprocessed: boolean, connect?: ConnectFailure) {
    super(text);
    this.status = status;
    this.isUnprocessed = isUnprocessed;
    this.connect = connect;
  }
}

/** Metadata in order: lower-case name, value. */
export type MetadataFields = Iterable<readonly [string, string]>;

/** What may be said about one call over a channel. */
export interface ChannelCallOptions {
  readonly metadata: MetadataFields;
  /** Milliseconds from now; undefined: no limit. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Told what comes back on a stream, in order. */
export interface ChannelReceiver {
  /** Takes one message. */
  onMessage(message: Uint8Array): void;
  /** Called once; undefined when the server ended the call with OK. */
  onEnd(failure: CallFailure | undefined): void;
}

/** The caller's end of a streaming call. After the end all methods are without effect. */
export interface ChannelStream {
  /** Sends one message, kept until there is a connection; its bytes must not change afterwards. */
  send(message: Uint8Array): void;
  /** Says that no more messages will be sent. */
  halfClose(): void;
  /** Ends the call with CANCELLED. */
  cancel(): void;
  /** Stops `onMessage` until `resume`; the server is then held back. */
  pause(): void;
  /** Goes on after `pause`. */
  resume(): void;
}

/** The way to one endpoint: gRPC calls of serialized messages. It connects when a call wants it, and again. */
export interface Channel {
  readonly endpoint: Endpoint;
  /** `failing`: the last attempt to connect failed, and none has succeeded since. */
  readonly state: 'idle' | 'ready' | 'failing';
  /** Rejects with `CallFailure`. */
  unary(path: string, request: Uint8Array, options: ChannelCallOptions): Promise<Uint8Array>;
  /** Begins a call with messages both ways; how it ends is told to `receiver`. */
  stream(path: string, receiver: ChannelReceiver, options: ChannelCallOptions): ChannelStream;
  /** Gives up its connection, should that give no sign of life within so many ms. Undefined where nobody can know. */
  probe?(timeoutMs: number): void;
  /** No more calls will come: closes once those that are under way have ended. */
  retire(): void;
  /** Ends all calls with CANCELLED. */
  close(): void;
}

/** Makes the channel of an endpoint: in Node over this project's HTTP/2, in browsers over fetch. */
export type ChannelFactory = (endpoint: Endpoint) => Channel;
