import { ErrorCode } from '../frames.ts';
import type { HeaderBlock } from '../hpack/header-block.ts';
import { type HeaderField, listBytes } from '../hpack/header-field.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import type { RequestHead } from '../request-head.ts';
import type { Sender } from '../sender.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import type { CallPlan } from './call-plan.ts';
import { brokenText, compressionFault, gunzipMessage } from './compression.ts';
import type { Deadline } from './deadline-wheel.ts';
import { MessageFlag } from './message-reader.ts';
import { appendMessage, byteLength, isPieces, sendMessage } from './message-writer.ts';
import { okTrailers, statusTrailers, trailersOnly } from './response-fields.ts';
import type { ServerConnection } from './server-connection.ts';
import { Status, type StatusCode } from './status.ts';
import type { AbortReason, CallInfo, HeaderFields, Message, Metadata } from './types.ts';

/** What all of a server's calls have in common: how they begin, answer and end. */
export abstract class ServerCall implements CallInfo, StreamSink, Deadline {
  readonly connection: ServerConnection;
  aborted = false;
  deadlineMs = 0;
  previousDeadline: Deadline | undefined = undefined;
  nextDeadline: Deadline | undefined = undefined;
  hasDeadline = false;
  protected readonly stream: H2Stream;
  protected readonly head: RequestHead;
  protected readonly plan: CallPlan;
  protected readonly sender: Sender;
  /** A status was sent, or the call was aborted: nothing more can be. */
  protected isOver = false;
  /** Bytes of this call that count as the connection's buffered ones. */
  protected bufferedBytes = 0;
  #hasSentHead = false;
  /** What the handler wants to say beside the usual fields. */
  #headers: readonly HeaderField[] = noFields;
  #trailers: readonly HeaderField[] = noFields;
  protected readonly startedAtMs: number;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead, plan: CallPlan) {
    this.connection = connection;
    this.stream = stream;
    this.plan = plan;
    this.head = head;
    this.sender = stream.connection.sender;
    this.startedAtMs = stream.connection.nowMs;
    const { timeoutMs } = plan;
    connection.shared.stats.callStarted(head.path);
    if (timeoutMs === undefined) return;
    this.deadlineMs = this.startedAtMs + timeoutMs;
    connection.shared.deadlines.add(this);
  }

  abstract onData(bytes: Buffer, start: number, end: number): void;
  abstract onEnd(): void;
  abstract onDrain(): void;
  abstract onSweep(silentMs: number): void;
  /** The call ended from outside; tell the handler. */
  protected abstract abortHandler(reason: AbortReason): void;

  get metadata(): Metadata {
    return this.plan.metadata;
  }

  get peer(): string {
    return this.connection.peer;
  }

  get path(): string {
    return this.head.path;
  }

  get scheme(): string {
    return this.head.scheme;
  }

  get authority(): string {
    return this.head.authority;
  }

  get timeoutMs(): number | undefined {
    return this.plan.timeoutMs;
  }

  remainingMs(): number | undefined {
    const { timeoutMs } = this.plan;
    if (timeoutMs === undefined) return undefined;
    return this.startedAtMs + timeoutMs - this.connection.shared.clock.now();
  }

  setHeaders(metadata: HeaderFields): void {
    this.#headers = outgoingFields(metadata).filter(isMetadata);
  }

  setTrailers(metadata: HeaderFields): void {
    this.#trailers = outgoingFields(metadata).filter(isMetadata);
  }

  /** Trailers of a request say nothing to gRPC. */
  onHeaders(_block: HeaderBlock, _endStream: boolean): void {}

  onStreamLost(reason: 'reset' | 'refused' | 'connection', _errorCode: number): void {
    if (this.isOver) return;
    this.finish(reason === 'reset' ? Status.cancelled : Status.unavailable);
    this.aborted = true;
    this.abortHandler(reason === 'reset' ? 'cancelled' : 'connection');
  }

  onDeadline(): void {
    if (this.isOver) return;
    this.sendStatus(Status.deadlineExceeded, 'context deadline exceeded', undefined);
    this.aborted = true;
    this.abortHandler('deadline');
  }

  /** Ends the call with an error that the transport has found; the handler is told. */
  protected failCall(status: StatusCode, message: string): void {
    if (this.isOver) return;
    this.sendStatus(status, message, undefined);
    this.aborted = true;
    this.abortHandler('cancelled');
  }

  /** More waits for the peer than a producer may pile up: what does is dropped, and the handler told. */
  protected cutOff(): void {
    this.finish(Status.resourceExhausted);
    // The error code that is RESOURCE_EXHAUSTED to gRPC; a status would stand behind what piles up.
    this.stream.connection.resetStream(this.stream, ErrorCode.enhanceYourCalm);
    this.aborted = true;
    this.abortHandler('cancelled');
  }

  /** The quick way of `sendMessage`; false: nothing was done. True: the call may go on sending. */
  protected appendMessage(message: Message): boolean {
    // Before the first message the stream has no DATA frame that could grow.
    if (this.plan.isGzip || isPieces(message)) return false;
    if (!appendMessage(this.sender, this.stream, message)) return false;
    this.connection.shared.stats.messageSent(this.path, message.length);
    return true;
  }

  protected sendMessage(message: Message): void {
    const { stream, sender, plan } = this;
    if (!this.#hasSentHead) {
      if (!this.#mayHaveHead()) return;
      this.#hasSentHead = true;
      this.#sendHead();
    }
    const isGzip = plan.isGzip && this.connection.mayDeflate(byteLength(message));
    const length = sendMessage(sender, stream, message, isGzip);
    this.connection.shared.stats.messageSent(this.path, length);
  }

  protected sendStatus(status: StatusCode, message: string, details: Uint8Array | undefined): void {
    const { stream, sender } = this;
    const trailers = this.#trailers;
    if (!this.#hasSentHead && status === Status.ok && !this.#mayHaveHead()) return;
    this.finish(status);
    if (!this.#hasSentHead && status !== Status.ok) {
      const { contentType } = this.plan.response;
      const fields = trailersOnly(contentType, status, message, details);
      const all = [...fields, ...this.#headers, ...trailers];
      const short = trailersOnly(contentType, status, tooLongText, undefined);
      sender.sendHeaders(stream, this.#isTaken(all) ? all : short, true);
      return;
    }
    if (!this.#hasSentHead) this.#sendHead();
    const isPlainOk =
      status === Status.ok && message === '' && details === undefined && trailers.length === 0;
    if (!isPlainOk) {
      const all = [...statusTrailers(status, message, details), ...trailers];
      const short = statusTrailers(status, tooLongText, undefined);
      sender.end(stream, this.#isTaken(all) ? all : short);
    } else if (stream.queuedBytes === 0) {
      sender.sendTemplate(stream, okTrailers, true);
    } else {
      sender.end(stream, okTrailers.fields);
    }
  }

  /** False when the client has said that it does not take so large a header list. */
  #isTaken(fields: readonly HeaderField[]): boolean {
    return listBytes(fields) <= this.sender.maxHeaderListBytes;
  }

  /** False, and the call has failed, when the client does not take the metadata of the response. */
  #mayHaveHead(): boolean {
    const { template } = this.plan.response;
    const headers = this.#headers;
    if (headers.length === 0 || this.#isTaken([...template.fields, ...headers])) return true;
    this.#headers = noFields;
    this.failCall(Status.internal, tooLongText);
    return false;
  }

  #sendHead(): void {
    const { template, extra } = this.plan.response;
    const headers = this.#headers;
    const rest = extra.length === 0 ? headers : [...extra, ...headers];
    this.sender.sendTemplate(this.stream, template, false, rest);
  }

  /** Decompresses what must be; undefined: the call has been failed. */
  protected decode(bytes: Buffer, flag: number): Uint8Array | undefined {
    const { stats } = this.connection.shared;
    const { maxReceiveMessageBytes: maxBytes } = this.connection.shared.limits;
    let message: Uint8Array = bytes;
    if (flag !== MessageFlag.plain) {
      const fault = compressionFault(flag, this.head.grpcEncoding);
      const result = fault === undefined ? gunzipMessage(bytes, maxBytes) : 'broken';
      if (result === 'broken') {
        this.failCall(Status.internal, fault ?? brokenText);
        return undefined;
      }
      if (result !== 'too large' && !this.connection.mayInflate(bytes.length, result.length)) {
        return undefined;
      }
      if (result === 'too large') {
        const text = `grpc: received message after decompression larger than max ${maxBytes}`;
        this.failCall(Status.resourceExhausted, text);
        return undefined;
      }
      message = result;
    }
    stats.messageReceived(this.path, message.length);
    return message;
  }

  protected failTooLarge(announcedBytes: number): void {
    const { maxReceiveMessageBytes } = this.connection.shared.limits;
    this.failCall(
      Status.resourceExhausted,
      `grpc: received message larger than max (${announcedBytes} vs. ${maxReceiveMessageBytes})`,
    );
  }

  /** Sets how many bytes wait here; false, and the call is failed, when the connection has too many. */
  protected holdBytes(bytes: number): boolean {
    const { connection } = this.stream;
    connection.bufferedBytes += bytes - this.bufferedBytes;
    this.bufferedBytes = bytes;
    if (connection.bufferedBytes <= connection.limits.maxReceiveBufferBytes) return true;
    this.failCall(Status.resourceExhausted, 'too many unfinished messages on the connection');
    return false;
  }

  /** The books are closed: no deadline, no buffered bytes, one more finished call. */
  protected finish(status: StatusCode): void {
    const { shared } = this.connection;
    this.isOver = true;
    if (this.hasDeadline) shared.deadlines.remove(this);
    if (this.bufferedBytes > 0) this.stream.connection.bufferedBytes -= this.bufferedBytes;
    this.bufferedBytes = 0;
    shared.stats.callFinished(this.path, status, shared.clock.now() - this.startedAtMs);
  }
}

/** In place of what a client has said that it does not take (SETTINGS_MAX_HEADER_LIST_SIZE). */
const tooLongText = 'the answer has more metadata than the client takes';

const noFields: readonly HeaderField[] = [];

/** Fields of the protocol are not for handlers to set. */
function isMetadata({ name }: HeaderField): boolean {
  return name !== 'content-type' && !name.startsWith('grpc-');
}
