import { ErrorCode } from '../frames.ts';
import type { HeaderBlock } from '../hpack/header-block.ts';
import { HeaderField, listBytes } from '../hpack/header-field.ts';
import type { HeaderTemplate } from '../hpack/header-template.ts';
import { outgoingFields } from '../outgoing-fields.ts';
import type { H2Stream, StreamSink } from '../stream.ts';
import {
  type CallStatus,
  localStatus,
  statusOfHttp,
  statusOfLongHead,
  statusOfReset,
} from './call-status.ts';
import type { ClientConnection } from './client-connection.ts';
import type { CallOptions, ClientShared, PendingCall } from './client-types.ts';
import { brokenText, compressionFault, gunzipMessage } from './compression.ts';
import type { Deadline } from './deadline-wheel.ts';
import { MessageFlag } from './message-reader.ts';
import { nextHeadOf, type ResponseHead } from './response-head.ts';
import { Status } from './status.ts';
import { formatTimeout } from './timeout.ts';

/** What all of a client's calls have in common: how they wait, begin and end. */
export abstract class ClientCall implements StreamSink, Deadline, PendingCall {
  readonly waitsForReady: boolean;
  deadlineMs = 0;
  previousDeadline: Deadline | undefined = undefined;
  nextDeadline: Deadline | undefined = undefined;
  hasDeadline = false;
  /** Undefined while the call waits for a connection. */
  protected stream: H2Stream | undefined = undefined;
  protected isOver = false;
  protected readonly shared: ClientShared;
  #head: ResponseHead | undefined = undefined;
  /** Known when the trailers have come; told when the messages before them have been. */
  #finalStatus: CallStatus | undefined = undefined;
  /** Messages go out gzipped. */
  protected readonly isGzip: boolean;
  readonly #template: HeaderTemplate;
  readonly #metadata: readonly HeaderField[];
  #hasRetried = false;
  readonly #signal: AbortSignal | undefined;
  /** Undefined without a signal: most calls have none, and a closure each would be felt. */
  #onSignal: (() => void) | undefined = undefined;

  constructor(shared: ClientShared, template: HeaderTemplate, options: CallOptions) {
    this.shared = shared;
    this.#template = template;
    const { metadata } = options;
    this.#metadata = metadata === undefined ? noFields : outgoingFields(metadata);
    this.isGzip = options.gzip === true;
    this.waitsForReady = options.waitForReady === true;
    this.#signal = options.signal;
    if (options.timeoutMs !== undefined) {
      this.deadlineMs = shared.clock.now() + options.timeoutMs;
      shared.deadlines.add(this);
    }
    if (options.signal === undefined) return;
    this.#onSignal = () => this.cancel();
    options.signal.addEventListener('abort', this.#onSignal, { once: true });
  }

  abstract onData(bytes: Buffer, start: number, end: number): void;
  abstract onDrain(): void;
  /** The stream is open: send what has waited for it. */
  protected abstract begin(stream: H2Stream): void;
  /** Makes the call as it was before it began; false when it cannot be sent again. */
  protected abstract rewind(): boolean;
  /** All messages were received; `finishWithStatus` once they have been passed on. */
  protected abstract endMessages(): void;
  /** Tells the caller how it ended. Called once. */
  protected abstract settle(status: CallStatus): void;
  protected abstract tellHead(head: ResponseHead): void;

  get hasEnded(): boolean {
    return this.isOver;
  }

  /** Sends the headers on a connection that is ready; false when it takes no more streams. */
  start(connection: ClientConnection): boolean {
    const extra = this.#extraFields();
    const { maxHeaderListBytes } = connection;
    if (this.#template.size + listBytes(extra) > maxHeaderListBytes) {
      this.finish(statusOfLongHead(maxHeaderListBytes));
      return true;
    }
    const stream = connection.openStream(this);
    if (stream === undefined) return false;
    this.stream = stream;
    stream.connection.sender.sendTemplate(stream, this.#template, false, extra);
    this.begin(stream);
    return true;
  }

  cancel(): void {
    this.abandon(
      localStatus(Status.cancelled, 'the call was cancelled', this.stream === undefined),
    );
  }

  onDeadline(): void {
    const isUnsent = this.stream === undefined;
    this.abandon(localStatus(Status.deadlineExceeded, 'context deadline exceeded', isUnsent));
  }

  /** Ends the call at this end, whatever the server does. */
  abandon(status: CallStatus): void {
    if (this.isOver) return;
    const { stream } = this;
    this.finish(status);
    if (stream !== undefined) stream.connection.resetStream(stream, ErrorCode.cancel);
  }

  onHeaders(block: HeaderBlock, endStream: boolean) {
    if (this.isOver) return;
    const head = nextHeadOf(block, endStream, this.#head !== undefined);
    if (head === 'interim') return;
    if (head === 'malformed') return this.failMalformed();
    if (this.#head !== undefined) {
      this.#finalStatus = finalStatusOf(head, 'the trailers have no grpc-status');
      return;
    }
    if (this.stream !== undefined) this.stream.promisedBytes = head.contentLength;
    this.#head = head;
    if (endStream || head.httpStatus !== '200' || !head.isGrpc) {
      this.#finalStatus =
        head.grpcStatus === undefined && head.httpStatus !== '200'
          ? statusOfHttp(head.httpStatus ?? '')
          : finalStatusOf(head, 'the response is not gRPC');
      if (!endStream) this.abandon(this.#finalStatus);
      return;
    }
    this.tellHead(head);
  }

  onEnd(): void {
    if (!this.isOver) this.endMessages();
  }

  onStreamLost(reason: 'reset' | 'refused' | 'connection', errorCode: number) {
    const isRefused = reason === 'reset' && errorCode === ErrorCode.refusedStream;
    if ((isRefused || reason === 'refused') && this.#mayRetry()) return this.shared.retry(this);
    if (reason === 'reset') {
      this.finish(statusOfReset(errorCode));
    } else if (reason === 'refused') {
      const text = 'the server did not take the call before it went away';
      this.finish(localStatus(Status.unavailable, text, true));
    } else {
      this.finish(localStatus(Status.unavailable, 'the connection was lost'));
    }
  }

  onSweep(_silentMs: number): void {}

  /** Every message has been passed on, and the server has ended the call. */
  protected finishWithStatus(isCut: boolean): void {
    const { stream } = this;
    if (isCut) this.abandon(localStatus(Status.internal, 'unexpected EOF'));
    else this.finish(this.#finalStatus ?? localStatus(Status.internal, 'no status was sent'));
    if (stream !== undefined && !stream.localClosed) {
      // The answer is complete; whatever we still had to say does not matter.
      stream.connection.resetStream(stream, ErrorCode.cancel);
    }
  }

  /** Decompresses what must be; undefined: the call has ended. */
  protected decode(bytes: Buffer, flag: number): Uint8Array | undefined {
    if (flag === MessageFlag.plain) return bytes;
    const max = this.shared.limits.maxReceiveMessageBytes;
    const fault = compressionFault(flag, this.#head?.encoding);
    const message = fault === undefined ? gunzipMessage(bytes, max) : 'broken';
    if (message === 'too large') this.failTooLarge(max + 1);
    else if (message === 'broken') {
      this.abandon(localStatus(Status.internal, fault ?? brokenText));
    } else {
      return message;
    }
    return undefined;
  }

  protected failTooLarge(bytes: number): void {
    const max = this.shared.limits.maxReceiveMessageBytes;
    const text = `grpc: received message larger than max (${bytes} vs. ${max})`;
    this.abandon(localStatus(Status.resourceExhausted, text));
  }

  protected finish(status: CallStatus): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.hasDeadline) this.shared.deadlines.remove(this);
    if (this.#onSignal !== undefined) this.#signal?.removeEventListener('abort', this.#onSignal);
    this.settle(status);
  }

  /** Once, and the server must not have looked at it: then nobody can tell that there were two. */
  #mayRetry(): boolean {
    const isNew = this.#head === undefined && !this.#hasRetried && !this.isOver;
    if (!isNew || !this.rewind()) return false;
    this.#hasRetried = true;
    this.stream = undefined;
    return true;
  }

  /** What the template lacks: the time that is left, and the metadata. */
  #extraFields(): readonly HeaderField[] {
    if (!this.hasDeadline) return this.#metadata;
    const timeout = formatTimeout(this.deadlineMs - this.shared.clock.now());
    return [new HeaderField('grpc-timeout', timeout), ...this.#metadata];
  }

  /** The server broke a rule of RFC 9113 §8 on this stream. */
  protected failMalformed(): void {
    const { stream } = this;
    this.finish(localStatus(Status.internal, 'the response is malformed'));
    if (stream !== undefined) stream.connection.resetStream(stream, ErrorCode.protocolError);
  }

  /** False, and the call has ended, when DATA comes before the response's headers. */
  protected mayHaveData(): boolean {
    if (this.isOver) return false;
    if (this.#head === undefined) this.failMalformed();
    return !this.isOver;
  }
}

function finalStatusOf(head: ResponseHead, missing: string): CallStatus {
  const { grpcStatus, grpcMessage, metadata } = head;
  if (grpcStatus === undefined) return localStatus(Status.unknown, missing);
  return {
    status: grpcStatus,
    message: grpcMessage,
    details: metadata.getBinary('grpc-status-details-bin'),
    metadata,
    isUnprocessed: false,
  };
}

const noFields: readonly HeaderField[] = [];
