import { ByteQueue } from '../byte-queue.ts';
import { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import type { HeaderBlock } from '../hpack/header-block.ts';
import { HeaderField } from '../hpack/header-field.ts';
import { HeaderTemplate } from '../hpack/header-template.ts';
import { invariant } from '../invariant.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { FieldMetadata } from './field-metadata.ts';
import type { ServerConnection } from './server-connection.ts';
import type { AbortReason, HeaderFields, HttpExchange, Metadata } from './types.ts';

/** Pieces of a body that are read at once. */
const maxPieceBytes = 64 * 1024;

/**
 * A request that is not gRPC, for whoever serves those. Convenience over speed: bodies are iterables,
 * and the request's is held back by flow control until it is read.
 */
export class ServerExchange implements HttpExchange, StreamSink {
  readonly connection: ServerConnection;
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly headers: Metadata;
  aborted = false;
  readonly #stream: H2Stream;
  readonly #received = new ByteQueue();
  #hasEnded = false;
  #isBodyTaken = false;
  #isAnswered = false;
  #isOver = false;
  #abortReason: AbortReason = 'cancelled';
  #abortCallback: ((reason: AbortReason) => void) | undefined = undefined;
  /** Wakes the reader of the body, and the writer of the response. */
  #wakeReader: (() => void) | undefined = undefined;
  #wakeWriter: (() => void) | undefined = undefined;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead) {
    this.connection = connection;
    this.#stream = stream;
    this.method = head.method;
    this.path = head.path;
    this.scheme = head.scheme;
    this.authority = head.authority;
    this.headers = new FieldMetadata(head.fields, head.firstRegular);
    stream.holdsReceived = true;
  }

  get peer(): string {
    return this.connection.peer;
  }

  get body(): AsyncIterable<Uint8Array> {
    invariant(!this.#isBodyTaken, 'a body is read once');
    this.#isBodyTaken = true;
    return this.#read();
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.aborted) callback(this.#abortReason);
    else this.#abortCallback = callback;
  }

  async respond(
    status: number,
    headers: HeaderFields,
    body?: Uint8Array | AsyncIterable<Uint8Array>,
    trailers?: () => HeaderFields,
  ): Promise<void> {
    invariant(!this.#isAnswered, 'an exchange is answered once');
    this.#isAnswered = true;
    if (this.#isOver) return;
    const { sender } = this.#stream.connection;
    const regular = outgoingFields(headers);
    const hasNothing = trailers === undefined && (body === undefined || isEmptyBytes(body));
    const isEmpty = hasNothing || !mayHaveContent(this.method, status);
    const fields = [new HeaderField(':status', String(status)), ...regular];
    sender.sendHeaders(this.#stream, fields, isEmpty);
    if (isEmpty) {
      this.#isOver = true;
      return;
    }
    if (body instanceof Uint8Array) this.#send(body);
    else if (body !== undefined) await this.#sendAll(body);
    if (this.#isOver) return;
    this.#isOver = true;
    sender.end(this.#stream, trailers === undefined ? undefined : outgoingFields(trailers()));
  }

  onHeaders(_block: HeaderBlock, _endStream: boolean): void {}

  onData(bytes: Buffer, start: number, end: number): void {
    this.#received.push(bytes, start, end);
    this.#wakeReader?.();
  }

  onEnd(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
  }

  onDrain(): void {
    this.#wakeWriter?.();
  }

  onStreamLost(reason: 'reset' | 'refused' | 'connection', _errorCode: number): void {
    this.#abort(reason === 'reset' ? 'cancelled' : 'connection');
  }

  onSweep(silentMs: number): void {
    // A response under way may well be longer than the silence of its request.
    if (this.#isAnswered || silentMs < this.connection.shared.limits.bodyTimeoutMs) return;
    const hasRoom = this.#stream.receiveWindow > 0;
    if (!hasRoom) return;
    this.#stream.connection.resetStream(this.#stream, ErrorCode.cancel);
    this.#abort('deadline');
  }

  #abort(reason: AbortReason): void {
    if (this.aborted) return;
    const wasOver = this.#isOver;
    this.aborted = true;
    this.#isOver = true;
    this.#abortReason = reason;
    this.#received.clear();
    this.#wakeReader?.();
    this.#wakeWriter?.();
    const callback = this.#abortCallback;
    this.#abortCallback = undefined;
    if (!wasOver) callback?.(reason);
  }

  /** Somebody wants the body, so a client that waits to be asked for it is (RFC 9110 §10.1.1). */
  #inviteBody(): void {
    const isAsked =
      !this.#isAnswered && !this.#isOver && !this.#hasEnded && this.#received.size === 0;
    if (!isAsked || this.headers.get('expect')?.toLowerCase() !== '100-continue') return;
    this.#stream.connection.sender.sendTemplate(this.#stream, continueTemplate, false);
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const stream = this.#stream;
    this.#inviteBody();
    for (;;) {
      const piece = this.#received.shift(maxPieceBytes);
      if (piece !== undefined) {
        stream.connection.releaseReceived(stream, piece.length);
        yield piece;
      } else if (this.aborted) {
        throw new H2Error('aborted', 'the request was aborted', ErrorCode.cancel);
      } else if (this.#hasEnded || stream.closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  async #sendAll(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of body) {
        if (this.#isOver) return;
        if (this.#send(piece)) continue;
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
        if (this.#isOver) return;
      }
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#stream.connection.resetStream(this.#stream, ErrorCode.internalError);
      throw error;
    }
  }

  /** False: wait for the drain. */
  #send(piece: Uint8Array): boolean {
    const { sender } = this.#stream.connection;
    if (piece.length > 0) {
      sender.enqueue(this.#stream, piece);
      sender.pump(this.#stream);
    }
    return sender.mayGoOn(this.#stream);
  }
}

const continueTemplate = new HeaderTemplate([new HeaderField(':status', '100')]);

/** Whether content may follow the headers of a response (RFC 9110 §6.4.1). */
function mayHaveContent(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

function isEmptyBytes(body: Uint8Array | AsyncIterable<Uint8Array>): boolean {
  return body instanceof Uint8Array && body.length === 0;
}
