import { ByteQueue } from '../byte-queue.ts';
import type { RequestHead } from '../request-head.ts';
import type { H2Stream } from '../stream.ts';
import type { CallPlan } from './call-plan.ts';
import { type MessageConsumer, MessageReader } from './message-reader.ts';
import { ServerCall } from './server-call.ts';
import type { ServerConnection } from './server-connection.ts';
import { Status, type StatusCode } from './status.ts';
import type { AbortReason, Message, StreamCall, StreamMethod, StreamReceiver } from './types.ts';

/** A streaming call: messages both ways until `end`, or until it is ended from outside. */
export class ServerStreamCall extends ServerCall implements StreamCall, MessageConsumer {
  readonly #reader: MessageReader;
  /** Undefined until the handler's `open` has returned. */
  #receiver: StreamReceiver | undefined = undefined;
  #isPaused = false;
  /** The body that came while paused, as it came: messages are made when they are wanted. */
  readonly #backlog = new ByteQueue();
  #hasEnded = false;
  #abortReason: AbortReason | undefined = undefined;
  #isReading = false;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead, plan: CallPlan) {
    super(connection, stream, head, plan);
    this.#reader = new MessageReader(this, connection.shared.limits.maxReceiveMessageBytes);
  }

  /** Lets the handler begin; called once. */
  open(method: StreamMethod): void {
    const receiver = method.open(this);
    this.#receiver = receiver;
    // The handler itself may have closed the connection.
    if (this.#abortReason !== undefined) receiver.onAbort(this.#abortReason);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    let at = start;
    if (this.#backlog.size === 0) at = this.#read(bytes, start, end);
    if (at < end && !this.isOver) this.#backlog.push(bytes, at, end);
    // While held, the caller's window shrinks by what comes; `resume` opens it again.
    this.stream.holdsReceived = this.#isPaused;
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (!this.#isPaused) this.#finishReading();
  }

  onMessage(bytes: Buffer, isCompressed: boolean): void {
    const message = this.decode(bytes, isCompressed);
    if (message !== undefined) this.#receiver?.onMessage(message);
    if (this.#isPaused || this.isOver) this.#reader.stop();
  }

  onTooLarge(announcedBytes: number): void {
    this.failTooLarge(announcedBytes);
  }

  onDrain(): void {
    if (!this.isOver) this.#receiver?.onDrain?.();
  }

  /** A stream may be silent for as long as it likes. */
  onSweep(_silentMs: number): void {}

  send(message: Message): boolean {
    if (this.isOver) return true;
    this.sendMessage(message);
    return this.sender.mayGoOn(this.stream);
  }

  end(status: StatusCode = Status.ok, message = '', details?: Uint8Array): void {
    if (!this.isOver) this.sendStatus(status, message, details);
  }

  pause(): void {
    if (this.isOver) return;
    this.#isPaused = true;
    this.stream.holdsReceived = true;
  }

  resume(): void {
    if (!this.#isPaused || this.isOver) return;
    this.#isPaused = false;
    this.stream.holdsReceived = false;
    // Inside `onMessage` the loop that called it goes on by itself.
    if (!this.#isReading) this.#readBacklog();
  }

  protected abortHandler(reason: AbortReason): void {
    this.#abortReason = reason;
    this.#backlog.clear();
    this.#receiver?.onAbort(reason);
  }

  #read(bytes: Buffer, start: number, end: number): number {
    this.#isReading = true;
    let at = start;
    while (at < end && !this.#isPaused && !this.isOver) {
      at = this.#reader.push(bytes, at, end);
    }
    this.#isReading = false;
    if (!this.isOver) this.holdBytes(this.#reader.heldBytes);
    return at;
  }

  #readBacklog(): void {
    const backlog = this.#backlog;
    while (backlog.size > 0 && !this.#isPaused && !this.isOver) {
      const piece = backlog.shift(backlog.size) as Uint8Array;
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      const at = this.#read(bytes, 0, bytes.length);
      if (at < bytes.length && !this.isOver) backlog.unshift(bytes.subarray(at));
    }
    if (this.isOver) return;
    const { stream } = this;
    const dealtWith = stream.heldBytes - backlog.size;
    if (dealtWith > 0) stream.connection.releaseReceived(stream, dealtWith);
    if (this.#hasEnded && !this.#isPaused) this.#finishReading();
  }

  #finishReading(): void {
    if (this.isOver) return;
    if (this.#reader.heldBytes > 0) this.failCall(Status.internal, 'unexpected EOF');
    else this.#receiver?.onHalfClose();
  }
}
