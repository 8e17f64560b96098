import type { HeaderBlock } from '../hpack/header-block.ts';
import type { RequestHead } from '../request-head.ts';
import type { Sender } from '../sender.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import type { CallPlan } from './call-plan.ts';
import { gunzipMessage } from './compression.ts';
import type { Deadline } from './deadline-wheel.ts';
import { sendMessage } from './message-writer.ts';
import {
  gzipResponseHead,
  okTrailers,
  responseHead,
  statusTrailers,
  trailersOnly,
} from './response-fields.ts';
import type { ServerConnection } from './server-connection.ts';
import { Status, type StatusCode } from './status.ts';
import type { AbortReason, CallInfo, Message, Metadata } from './types.ts';

/** What all of a server's calls have in common: how they begin, answer and end. */
export abstract class ServerCall implements CallInfo, StreamSink, Deadline {
  readonly connection: ServerConnection;
  readonly path: string;
  aborted = false;
  deadlineMs = 0;
  previousDeadline: Deadline | undefined = undefined;
  nextDeadline: Deadline | undefined = undefined;
  hasDeadline = false;
  protected readonly stream: H2Stream;
  protected readonly plan: CallPlan;
  protected readonly sender: Sender;
  /** A status was sent, or the call was aborted: nothing more can be. */
  protected isOver = false;
  /** Bytes of this call that count as the connection's buffered ones. */
  protected bufferedBytes = 0;
  #hasSentHead = false;
  readonly #startedAtMs: number;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead, plan: CallPlan) {
    this.connection = connection;
    this.stream = stream;
    this.plan = plan;
    this.path = head.path;
    this.sender = stream.connection.sender;
    this.#startedAtMs = stream.connection.nowMs;
    const { timeoutMs } = plan;
    connection.shared.stats.callStarted(head.path);
    if (timeoutMs === undefined) return;
    this.deadlineMs = this.#startedAtMs + timeoutMs;
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

  get timeoutMs(): number | undefined {
    return this.plan.timeoutMs;
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

  protected sendMessage(message: Message): void {
    const { stream, sender, plan } = this;
    if (!this.#hasSentHead) {
      this.#hasSentHead = true;
      sender.sendTemplate(stream, plan.isGzip ? gzipResponseHead : responseHead, false);
    }
    const length = sendMessage(sender, stream, message, plan.isGzip);
    this.connection.shared.stats.messageSent(this.path, length);
  }

  protected sendStatus(status: StatusCode, message: string, details: Uint8Array | undefined): void {
    const { stream, sender } = this;
    this.finish(status);
    if (!this.#hasSentHead && status !== Status.ok) {
      sender.sendHeaders(stream, trailersOnly(status, message, details), true);
      return;
    }
    if (!this.#hasSentHead) sender.sendTemplate(stream, responseHead, false);
    const isPlainOk = status === Status.ok && message === '' && details === undefined;
    if (!isPlainOk) sender.end(stream, statusTrailers(status, message, details));
    else if (stream.queuedBytes === 0) sender.sendTemplate(stream, okTrailers, true);
    else sender.end(stream, okTrailers.fields);
  }

  /** Decompresses what must be; undefined: the call has been failed. */
  protected decode(bytes: Buffer, isCompressed: boolean): Uint8Array | undefined {
    const { stats } = this.connection.shared;
    const { maxReceiveMessageBytes: maxBytes } = this.connection.shared.limits;
    let message: Uint8Array = bytes;
    if (isCompressed) {
      if (!this.plan.isGzip) {
        const text = 'grpc: compressed flag set with identity or empty encoding';
        this.failCall(Status.internal, text);
        return undefined;
      }
      const result = gunzipMessage(bytes, maxBytes);
      if (result === 'broken') {
        this.failCall(Status.internal, 'grpc: failed to decompress the received message');
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
    shared.stats.callFinished(this.path, status, shared.clock.now() - this.#startedAtMs);
  }
}
