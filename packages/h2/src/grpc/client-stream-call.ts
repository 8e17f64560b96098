import type { HeaderTemplate } from '../hpack/header-template.ts';
import type { H2Stream } from '../stream.ts';
import { type CallStatus, localStatus } from './call-status.ts';
import { ClientCall } from './client-call.ts';
import type { CallOptions, ClientReceiver, ClientShared, ClientStream } from './client-types.ts';
import { type InletConsumer, MessageInlet } from './message-inlet.ts';
import { byteLength, sendMessage } from './message-writer.ts';
import type { ResponseHead } from './response-head.ts';
import { Status } from './status.ts';
import type { Message } from './types.ts';

/** A streaming call of a client. Messages sent before there is a connection wait for it. */
export class ClientStreamCall extends ClientCall implements ClientStream, InletConsumer {
  readonly #receiver: ClientReceiver;
  readonly #inlet: MessageInlet;
  #waiting: Message[] = [];
  #waitingBytes = 0;
  #wantsDrain = false;
  #isHalfClosed = false;

  constructor(
    shared: ClientShared,
    template: HeaderTemplate,
    receiver: ClientReceiver,
    options: CallOptions,
  ) {
    super(shared, template, options);
    this.#receiver = receiver;
    this.#inlet = new MessageInlet(this, shared.limits.maxReceiveMessageBytes);
  }

  send(message: Message): boolean {
    if (this.isOver || this.#isHalfClosed) return true;
    const { stream } = this;
    const queuedBytes = stream === undefined ? this.#waitingBytes : stream.queuedBytes;
    if (queuedBytes > this.shared.limits.maxStreamSendBytes) {
      this.abandon(localStatus(Status.resourceExhausted, 'too many messages wait to be sent'));
      return true;
    }
    if (stream !== undefined) {
      const { sender } = stream.connection;
      sendMessage(sender, stream, message, false);
      return sender.mayGoOn(stream);
    }
    this.#waiting.push(message);
    this.#waitingBytes += byteLength(message);
    this.#wantsDrain = this.#waitingBytes > this.shared.limits.streamSendHighWaterBytes;
    return !this.#wantsDrain;
  }

  halfClose(): void {
    if (this.isOver || this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    const { stream } = this;
    if (stream !== undefined) stream.connection.sender.end(stream, undefined);
  }

  pause(): void {
    this.#inlet.pause();
  }

  resume(): void {
    this.#inlet.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.mayHaveData()) this.#inlet.push(bytes, start, end);
  }

  onMessage(bytes: Buffer, flag: number): void {
    const message = this.decode(bytes, flag);
    if (message !== undefined) this.#receiver.onMessage(message);
  }

  onTooLarge(announcedBytes: number): void {
    this.failTooLarge(announcedBytes);
  }

  onMessagesEnd(isCut: boolean): void {
    this.finishWithStatus(isCut);
  }

  onDrain(): void {
    if (!this.isOver) this.#receiver.onDrain?.();
  }

  protected begin(stream: H2Stream): void {
    this.#inlet.attach(stream);
    const { sender } = stream.connection;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) sendMessage(sender, stream, message, false);
    if (this.#isHalfClosed) sender.end(stream, undefined);
    else if (this.#wantsDrain && sender.mayGoOn(stream)) this.#receiver.onDrain?.();
  }

  protected endMessages(): void {
    this.#inlet.end();
  }

  protected tellHead(head: ResponseHead): void {
    this.#receiver.onHead?.(head.metadata);
  }

  protected settle(status: CallStatus): void {
    this.#waiting = [];
    this.#inlet.close();
    this.#receiver.onEnd(status);
  }
}
