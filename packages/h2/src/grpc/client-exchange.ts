import { ErrorCode } from '../frames.ts';
import type { HeaderBlock } from '../hpack/header-block.ts';
import { type HeaderField, listBytes } from '../hpack/header-field.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { BodySender } from './body-sender.ts';
import {
  CallError,
  type CallStatus,
  localStatus,
  statusOfLongHead,
  statusOfReset,
} from './call-status.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ClientRequest, ClientResponse, PendingCall } from './client-types.ts';
import { FieldMetadata } from './field-metadata.ts';
import { HeldBody } from './held-body.ts';
import { nextHeadOf } from './response-head.ts';
import { Status } from './status.ts';
import type { Metadata } from './types.ts';

/** A plain HTTP request of a client, and what comes back. Convenience over speed, as for a server's. */
export class ClientExchange implements StreamSink, PendingCall, ClientResponse {
  readonly waitsForReady: boolean;
  hasEnded = false;
  status = 0;
  headers: Metadata = noMetadata;
  trailers: Metadata = noMetadata;
  readonly #request: ClientRequest;
  readonly #fields: readonly HeaderField[];
  readonly #resolve: (response: ClientResponse) => void;
  readonly #reject: (error: Error) => void;
  readonly #received = new HeldBody({ onWanted: () => {}, onUnwanted: () => this.cancel() });
  readonly #sender = new BodySender();
  readonly #onSignal = (): void => this.cancel();
  #stream: H2Stream | undefined = undefined;

  /** `fields` are the request's, the pseudo ones first. */
  constructor(
    request: ClientRequest,
    fields: readonly HeaderField[],
    resolve: (response: ClientResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request;
    this.#fields = fields;
    this.#resolve = resolve;
    this.#reject = reject;
    this.waitsForReady = request.waitForReady === true;
    request.signal?.addEventListener('abort', this.#onSignal, { once: true });
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#received.read();
  }

  start(connection: ClientConnection): boolean {
    const { maxHeaderListBytes } = connection;
    if (listBytes(this.#fields) > maxHeaderListBytes) {
      this.abandon(statusOfLongHead(maxHeaderListBytes));
      return true;
    }
    const stream = connection.openStream(this);
    if (stream === undefined) return false;
    this.#stream = stream;
    this.#received.attach(stream);
    const { body } = this.#request;
    stream.connection.sender.sendHeaders(stream, this.#fields, body === undefined);
    if (body !== undefined) void this.#send(stream, body);
    return true;
  }

  cancel(): void {
    const isUnsent = this.#stream === undefined;
    this.abandon(localStatus(Status.cancelled, 'the request was cancelled', isUnsent));
  }

  abandon(status: CallStatus): void {
    this.#fail(new CallError(status));
  }

  onHeaders(block: HeaderBlock, endStream: boolean) {
    const head = nextHeadOf(block, endStream, this.status !== 0);
    if (head === 'interim') return;
    if (head === 'malformed') return this.#failMalformed();
    if (this.status !== 0) {
      this.trailers = head.metadata;
      return;
    }
    if (this.#stream !== undefined && this.#request.method !== 'HEAD') {
      this.#stream.promisedBytes = head.contentLength;
    }
    this.status = Number(head.httpStatus);
    this.headers = head.metadata;
    this.#resolve(this);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.status === 0) this.#failMalformed();
    else this.#received.push(bytes, start, end);
  }

  onEnd(): void {
    if (this.hasEnded) return;
    this.#finish();
    this.#received.end();
    const stream = this.#stream;
    // The answer is complete; whatever we still had to say does not matter.
    if (stream?.localClosed === false) stream.connection.resetStream(stream, ErrorCode.cancel);
  }

  onDrain(): void {
    this.#sender.drained();
  }

  onStreamLost(reason: 'reset' | 'refused' | 'connection', errorCode: number): void {
    if (reason === 'reset') this.abandon(statusOfReset(errorCode));
    else if (reason === 'refused') {
      const text = 'the server did not take the request before it went away';
      this.abandon(localStatus(Status.unavailable, text, true));
    } else {
      this.abandon(localStatus(Status.unavailable, 'the connection was lost'));
    }
  }

  onSweep(_silentMs: number): void {}

  async #send(stream: H2Stream, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    try {
      if (await this.#sender.send(stream, body)) stream.connection.sender.end(stream, undefined);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The server broke a rule of RFC 9113 §8 on this stream. */
  #failMalformed(): void {
    const status = localStatus(Status.internal, 'the response is malformed');
    this.#fail(new CallError(status), ErrorCode.protocolError);
  }

  #fail(error: Error, resetCode: number = ErrorCode.cancel): void {
    if (this.hasEnded) return;
    this.#finish();
    const stream = this.#stream;
    if (stream !== undefined) stream.connection.resetStream(stream, resetCode);
    this.#received.fail(error);
    this.#reject(error);
  }

  #finish(): void {
    this.hasEnded = true;
    this.#sender.stop();
    this.#request.signal?.removeEventListener('abort', this.#onSignal);
  }
}

const noMetadata: Metadata = new FieldMetadata([], 0);
