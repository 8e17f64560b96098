import { byteAt, readUint32 } from '../frames.ts';
import { invariant } from '../invariant.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream } from '../stream.ts';
import type { CallPlan } from './call-plan.ts';
import { type MessageConsumer, MessageReader, messagePrefixBytes } from './message-reader.ts';
import { ServerCall } from './server-call.ts';
import type { ServerConnection } from './server-connection.ts';
import { Status, type StatusCode } from './status.ts';
import type { AbortReason, Message, UnaryCall, UnaryMethod } from './types.ts';

/**
 * A unary call, from its headers to its status. The usual one has its message in one DATA frame: then the
 * handler gets a view of the socket's chunk, and nothing is allocated but this object and its stream.
 */
export class ServerUnaryCall extends ServerCall implements UnaryCall, MessageConsumer {
  readonly #method: UnaryMethod;
  #message: Buffer | undefined = undefined;
  #flag = 0;
  #reader: MessageReader | undefined = undefined;
  #abortCallback: ((reason: AbortReason) => void) | undefined = undefined;
  #abortReason: AbortReason | undefined = undefined;
  #isAnswered = false;

  constructor(
    connection: ServerConnection,
    stream: H2Stream,
    head: RequestHead,
    plan: CallPlan,
    method: UnaryMethod,
  ) {
    super(connection, stream, head, plan);
    this.#method = method;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    // What follows the message is not looked at, as in grpc-go.
    if (this.isOver || this.#message !== undefined) return;
    const length = end - start - messagePrefixBytes;
    const isWhole =
      this.#reader === undefined &&
      length >= 0 &&
      readUint32(bytes, start + 1) === length &&
      length <= this.connection.shared.limits.maxReceiveMessageBytes;
    if (isWhole) {
      this.onMessage(bytes.subarray(start + messagePrefixBytes, end), byteAt(bytes, start));
      return;
    }
    this.#reader ??= new MessageReader(this, this.connection.shared.limits.maxReceiveMessageBytes);
    const reader = this.#reader;
    reader.push(bytes, start, end);
    if (!this.isOver) this.holdBytes(reader.heldBytes + this.#messageBytes);
  }

  get #messageBytes(): number {
    return this.#message === undefined ? 0 : this.#message.length;
  }

  onEnd(): void {
    if (this.isOver) return;
    if (this.#message === undefined) {
      // UNKNOWN and these words are what grpc-go has for it.
      const isCut = this.#reader !== undefined && this.#reader.heldBytes > 0;
      this.failCall(Status.unknown, isCut ? 'unexpected EOF' : 'EOF');
    } else if (this.connection.mustWait) {
      this.#wait();
    } else {
      this.dispatch();
    }
  }

  onMessage(bytes: Buffer, flag: number): void {
    this.#reader?.stop();
    this.#message = bytes;
    this.#flag = flag;
  }

  onTooLarge(announcedBytes: number): void {
    this.failTooLarge(announcedBytes);
  }

  onDrain(): void {}

  /** Fails a request that is not completed in time: who goes on byte by byte is as slow as the silent. */
  onSweep(silentMs: number): void {
    if (this.isOver) return;
    const { bodyTimeoutMs } = this.connection.shared.limits;
    const ageMs = this.stream.receivedAtMs + silentMs - this.startedAtMs;
    const unfinishedBytes = this.#reader?.unfinishedBytes ?? 0;
    if (silentMs >= bodyTimeoutMs || ageMs >= bodyTimeoutMs + unfinishedBytes * msPerByte) {
      this.failCall(Status.deadlineExceeded, 'the request was not completed in time');
      return;
    }
    // A message in one piece is counted here, as only those that wait for their end are worth it.
    this.holdBytes((this.#reader?.heldBytes ?? 0) + this.#messageBytes);
  }

  /** Hands the request to its handler, unless the call has ended meanwhile. */
  dispatch(): void {
    const bytes = this.#message;
    if (this.isOver || bytes === undefined) return;
    this.#message = emptyMessage;
    if (this.bufferedBytes > 0) this.holdBytes(0);
    const message = this.decode(bytes, this.#flag);
    if (message !== undefined) this.#method.handle(message, this);
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.#abortReason !== undefined) callback(this.#abortReason);
    else this.#abortCallback = callback;
  }

  reply(message: Message): void {
    if (!this.#mayAnswer()) return;
    this.sendMessage(message);
    this.sendStatus(Status.ok, '', undefined);
  }

  fail(status: StatusCode, message: string, details?: Uint8Array): void {
    if (this.#mayAnswer()) this.sendStatus(status, message, details);
  }

  protected abortHandler(reason: AbortReason): void {
    this.#abortReason = reason;
    this.#message = undefined;
    this.#reader = undefined;
    const callback = this.#abortCallback;
    this.#abortCallback = undefined;
    callback?.(reason);
  }

  /** Too much output waits on this connection to make more of it. */
  #wait(): void {
    if (this.holdBytes(this.#messageBytes)) this.connection.defer(this);
  }

  /** After an abort an answer is ignored; a second answer is a bug of the handler. */
  #mayAnswer(): boolean {
    invariant(!this.#isAnswered, 'a unary call is answered once');
    this.#isAnswered = true;
    return !this.isOver;
  }
}

/** Each byte that comes buys this much time for the rest: an honest line has at least 1 kB/s. */
const msPerByte = 1;

const emptyMessage: Buffer = Buffer.alloc(0);
