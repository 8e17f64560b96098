import { H2Error } from '../errors.ts';
import { ErrorCode } from '../frames.ts';
import type { HeaderBlock } from '../hpack/header-block.ts';
import { HeaderField } from '../hpack/header-field.ts';
import { HeaderTemplate } from '../hpack/header-template.ts';
import { invariant } from '../invariant.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import { BodySender } from './body-sender.ts';
import { plainMetadata } from './field-metadata.ts';
import { HeldBody } from './held-body.ts';
import type { ServerConnection } from './server-connection.ts';
import type { AbortReason, HeaderFields, HttpExchange, Metadata } from './types.ts';

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
  readonly #received = new HeldBody({
    onWanted: () => this.#inviteBody(),
    // A response may still be sent when nobody reads the request any more.
    onUnwanted: () => {},
  });
  readonly #sender = new BodySender();
  /** Bytes of the request's body that came after the end of the response. */
  #lateBytes = 0;
  #mayBeSilent = false;
  #isAnswered = false;
  #isOver = false;
  #abortReason: AbortReason = 'cancelled';
  #abortCallback: ((reason: AbortReason) => void) | undefined = undefined;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead) {
    this.connection = connection;
    this.#stream = stream;
    this.method = head.method;
    this.path = head.path;
    this.scheme = head.scheme;
    this.authority = head.authority;
    this.headers = plainMetadata(head.fields, head.firstRegular);
    this.#received.attach(stream);
    stream.lingers = true;
  }

  get peer(): string {
    return this.connection.peer;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#received.read();
  }

  allowSilence(): void {
    this.#mayBeSilent = true;
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
    if (!isEmpty) await this.#sendRest(body, trailers);
    this.#isOver = true;
    this.#received.drop();
  }

  onHeaders(_block: HeaderBlock, _endStream: boolean): void {}

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#stream.localClosed) this.#onLateBytes(end - start);
    else this.#received.push(bytes, start, end);
  }

  onEnd(): void {
    this.#received.end();
  }

  onDrain(): void {
    this.#sender.drained();
  }

  onStreamLost(reason: 'reset' | 'refused' | 'connection', _errorCode: number): void {
    this.#abort(reason === 'reset' ? 'cancelled' : 'connection');
  }

  onSweep(silentMs: number): void {
    const stream = this.#stream;
    const { bodyTimeoutMs, closeTimeoutMs } = this.connection.shared.limits;
    if (stream.localClosed) {
      if (silentMs >= closeTimeoutMs) this.#hangUp();
      return;
    }
    // A response under way may well be longer than the silence of its request.
    if (this.#isAnswered || this.#mayBeSilent) return;
    if (silentMs < bodyTimeoutMs || stream.receiveWindow <= 0) return;
    stream.connection.resetStream(stream, ErrorCode.cancel);
    this.#abort('deadline');
  }

  /**
   * The client has its answer and goes on talking. Told at once that nobody listens (RFC 9113 §8.1), many
   * clients, curl among them, lose the answer over it; so it gets time to read that, and to stop by itself.
   */
  #onLateBytes(bytes: number): void {
    this.#lateBytes += bytes;
    if (this.#lateBytes > this.connection.shared.limits.streamWindowBytes) this.#hangUp();
  }

  #hangUp(): void {
    this.#stream.connection.resetStream(this.#stream, ErrorCode.noError);
  }

  #abort(reason: AbortReason): void {
    if (this.aborted) return;
    const wasOver = this.#isOver;
    this.aborted = true;
    this.#isOver = true;
    this.#abortReason = reason;
    this.#received.fail(new H2Error('aborted', 'the request was aborted', ErrorCode.cancel));
    this.#sender.stop();
    const callback = this.#abortCallback;
    this.#abortCallback = undefined;
    if (!wasOver) callback?.(reason);
  }

  /** Somebody wants the body, so a client that waits to be asked for it is (RFC 9110 §10.1.1). */
  #inviteBody(): void {
    const received = this.#received;
    const isAsked =
      !this.#isAnswered && !this.#isOver && !received.isComplete && received.size === 0;
    if (!isAsked || this.headers.get('expect')?.toLowerCase() !== '100-continue') return;
    this.#stream.connection.sender.sendTemplate(this.#stream, continueTemplate, false);
  }

  async #sendRest(
    body: Uint8Array | AsyncIterable<Uint8Array> | undefined,
    trailers: (() => HeaderFields) | undefined,
  ): Promise<void> {
    const stream = this.#stream;
    const { connection } = stream;
    try {
      if (body !== undefined && !(await this.#sender.send(stream, body))) return;
      connection.sender.end(
        stream,
        trailers === undefined ? undefined : outgoingFields(trailers()),
      );
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      connection.resetStream(stream, ErrorCode.internalError);
      throw error;
    }
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
