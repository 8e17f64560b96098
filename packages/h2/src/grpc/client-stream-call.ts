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
  /**
   * The messages so far, until the server has begun to answer or they are too many: those that wait for a
   * connection, and those that may have to be sent again.
   */
  #kept: Message[] | undefined = [];
  #keptBytes = 0;
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
    const queuedBytes = stream === undefined ? this.#keptBytes : stream.queuedBytes;
    const { maxStreamSendBytes, streamSendHighWaterBytes } = this.shared.limits;
    if (queuedBytes > maxStreamSendBytes) {
      this.abandon(localStatus(Status.resourceExhausted, 'too many messages wait to be sent'));
      return true;
    }
    if (this.#kept !== undefined) {
      this.#kept.push(message);
      this.#keptBytes += byteLength(message);
    }
    if (stream === undefined) {
      this.#wantsDrain = this.#keptBytes > streamSendHighWaterBytes;
      return !this.#wantsDrain;
    }
    if (this.#keptBytes > streamSendHighWaterBytes) this.#kept = undefined;
    const { sender } = stream.connection;
    sendMessage(sender, stream, message, this.isGzip);
    return sender.mayGoOn(stream);
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
    const kept = this.#kept ?? [];
    for (const message of kept) sendMessage(sender, stream, message, this.isGzip);
    if (this.#keptBytes > this.shared.limits.streamSendHighWaterBytes) this.#kept = undefined;
    if (this.#isHalfClosed) sender.end(stream, undefined);
    else if (this.#wantsDrain && sender.mayGoOn(stream)) this.#receiver.onDrain?.();
  }

  protected rewind(): boolean {
    // The receiver may wait for a drain that the lost stream owed it.
    this.#wantsDrain = true;
    return this.#kept !== undefined;
  }

  protected endMessages(): void {
    this.#inlet.end();
  }

  protected tellHead(head: ResponseHead): void {
    this.#kept = undefined;
    this.#receiver.onHead?.(head.metadata);
  }

  protected settle(status: CallStatus): void {
    this.#kept = undefined;
    this.#inlet.close();
    this.#receiver.onEnd(status);
  }
}
