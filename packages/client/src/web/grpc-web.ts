import { grpcStatus } from '@kvorum/api';
import { CallFailure } from '../channel.ts';

// gRPC-Web: gRPC's frames, and at the end of the body one more that holds the trailers, which browsers do not show.
//
//   frame     flag (1 byte: 0x00 message, 0x80 trailers)  length (4 bytes, big-endian)  body
//   trailers  `name: value` lines with CRLF, as in HTTP/1

const headBytes = 5;
const trailersFlag = 0x80;

/** Told what a response holds, in order. */
export interface FrameReceiver {
  /** One message, owned by the receiver. */
  onMessage(message: Uint8Array): void;
  /** The last frame, with lower-case names. */
  onTrailers(trailers: ReadonlyMap<string, string>): void;
}

/** The body of a request with these messages. */
export function frameMessages(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = messages.reduce((sum, message) => sum + headBytes + message.length, 0);
  const body = new Uint8Array(size);
  const view = new DataView(body.buffer);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at + 1, message.length);
    body.set(message, at + headBytes);
    at += headBytes + message.length;
  }
  return body;
}

/** Cuts the body of a response, however it is cut into chunks, into frames. */
export class FrameReader {
  readonly #receiver: FrameReceiver;
  readonly #maxMessageBytes: number;
  readonly #head = new Uint8Array(headBytes);
  #headSize = 0;
  #body: Uint8Array | undefined = undefined;
  #bodySize = 0;

  constructor(maxMessageBytes: number, receiver: FrameReceiver) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#receiver = receiver;
  }

  /** What has come ends inside a frame. */
  get isCut(): boolean {
    return this.#headSize > 0;
  }

  /** Throws `CallFailure` when a message is too large, or what comes is no gRPC-Web. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at += this.#take(chunk.subarray(at));
  }

  /** Takes what belongs to the head or body that is being read, and says how many bytes that were. */
  #take(bytes: Uint8Array): number {
    if (this.#body === undefined) {
      const part = bytes.subarray(0, headBytes - this.#headSize);
      this.#head.set(part, this.#headSize);
      this.#headSize += part.length;
      if (this.#headSize === headBytes) this.#beginBody();
      return part.length;
    }
    const part = bytes.subarray(0, this.#body.length - this.#bodySize);
    this.#body.set(part, this.#bodySize);
    this.#bodySize += part.length;
    this.#maybeEndBody(this.#body);
    return part.length;
  }

  #beginBody(): void {
    const size = new DataView(this.#head.buffer).getUint32(1);
    if (size > this.#maxMessageBytes) {
      const text = `received message larger than max (${size} vs. ${this.#maxMessageBytes})`;
      throw new CallFailure(grpcStatus.resourceExhausted, text, false);
    }
    this.#body = new Uint8Array(size);
    this.#bodySize = 0;
    this.#maybeEndBody(this.#body);
  }

  #maybeEndBody(body: Uint8Array): void {
    if (this.#bodySize < body.length) return;
    const flag = this.#head[0] ?? 0;
    this.#headSize = 0;
    this.#body = undefined;
    if (flag === 0) this.#receiver.onMessage(body);
    else if (flag === trailersFlag) this.#receiver.onTrailers(parseTrailers(body));
    else {
      const text = `received a frame with the flag 0x${flag.toString(16)}, which nobody asked for`;
      throw new CallFailure(grpcStatus.internal, text, false);
    }
  }
}

function parseTrailers(body: Uint8Array): ReadonlyMap<string, string> {
  const lines = new TextDecoder().decode(body).split('\r\n');
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      if (colon < 0) return [];
      return [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
    }),
  );
}

/** The `grpc-timeout` of a call that may take so long. */
export function timeoutHeader(timeoutMs: number): string {
  const mostDigits = 99_999_999;
  const ms = Math.ceil(timeoutMs);
  return ms <= mostDigits ? `${ms}m` : `${Math.min(Math.ceil(ms / 1000), mostDigits)}S`;
}

/** How the call ended that these trailers or headers belong to; "none" when they do not say. */
export function statusIn(get: (name: string) => string | null | undefined): StatusInHeaders {
  const text = get('grpc-status');
  if (text === null || text === undefined) return 'none';
  const status = /^\d{1,2}$/.test(text) ? Number(text) : grpcStatus.unknown;
  if (status === grpcStatus.ok) return 'ok';
  return new CallFailure(status, decodePercents(get('grpc-message') ?? ''), false);
}

/** See `statusIn`. */
export type StatusInHeaders = 'none' | 'ok' | CallFailure;

/** gRPC status of an answer that is not gRPC's, by its HTTP status: the table of gRPC's HTTP/2 protocol. */
export function statusOfHttp(httpStatus: number): number {
  return httpStatuses.get(httpStatus) ?? grpcStatus.unknown;
}

const httpStatuses: ReadonlyMap<number, number> = new Map([
  [400, grpcStatus.internal],
  [401, grpcStatus.unauthenticated],
  [403, grpcStatus.permissionDenied],
  [404, grpcStatus.unimplemented],
  [429, grpcStatus.unavailable],
  [502, grpcStatus.unavailable],
  [503, grpcStatus.unavailable],
  [504, grpcStatus.unavailable],
]);

/** `grpc-message` is percent-encoded UTF-8; what cannot be decoded is shown as it came. */
function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
