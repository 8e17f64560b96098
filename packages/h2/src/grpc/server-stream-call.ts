import type { RequestHead } from '../request-head.ts';
import type { H2Stream } from '../stream.ts';
import type { CallPlan } from './call-plan.ts';
import { type InletConsumer, MessageInlet } from './message-inlet.ts';
import { ServerCall } from './server-call.ts';
import type { ServerConnection } from './server-connection.ts';
import { Status, type StatusCode } from './status.ts';
import type { AbortReason, Message, StreamCall, StreamMethod, StreamReceiver } from './types.ts';

/** A streaming call: messages both ways until `end`, or until it is ended from outside. */
export class ServerStreamCall extends ServerCall implements StreamCall, InletConsumer {
  readonly #inlet: MessageInlet;
  /** Undefined until the handler's `open` has returned. */
  #receiver: StreamReceiver | undefined = undefined;
  #abortReason: AbortReason | undefined = undefined;

  constructor(connection: ServerConnection, stream: H2Stream, head: RequestHead, plan: CallPlan) {
    super(connection, stream, head, plan);
    this.#inlet = new MessageInlet(this, connection.shared.limits.maxReceiveMessageBytes);
    this.#inlet.attach(stream);
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
    this.#inlet.push(bytes, start, end);
    if (!this.isOver) this.holdBytes(this.#inlet.heldBytes);
  }

  onEnd(): void {
    if (!this.isOver) this.#inlet.end();
  }

  onMessage(bytes: Buffer, flag: number): void {
    const message = this.decode(bytes, flag);
    if (message !== undefined) this.#receiver?.onMessage(message);
    if (this.isOver) this.#inlet.close();
  }

  onMessagesEnd(isCut: boolean): void {
    if (this.isOver) return;
    if (isCut) this.failCall(Status.internal, 'unexpected EOF');
    else this.#receiver?.onHalfClose();
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
    if (this.appendMessage(message)) return true;
    if (this.stream.queuedBytes > this.connection.shared.limits.maxStreamSendBytes) {
      this.cutOff();
      return true;
    }
    this.sendMessage(message);
    return this.sender.mayGoOn(this.stream);
  }

  end(status: StatusCode = Status.ok, message = '', details?: Uint8Array): void {
    if (this.isOver) return;
    this.sendStatus(status, message, details);
    this.#inlet.close();
  }

  pause(): void {
    this.#inlet.pause();
  }

  resume(): void {
    this.#inlet.resume();
    if (!this.isOver) this.holdBytes(this.#inlet.heldBytes);
  }

  protected abortHandler(reason: AbortReason): void {
    this.#abortReason = reason;
    this.#inlet.close();
    this.#receiver?.onAbort(reason);
  }
}
