import { byteAt, readUint32 } from '../frames.ts';
import type { HeaderTemplate } from '../hpack/header-template.ts';
import type { H2Stream } from '../stream.ts';
import { CallError, type CallStatus, localStatus } from './call-status.ts';
import { ClientCall } from './client-call.ts';
import type { ClientShared, UnaryOptions } from './client-types.ts';
import { type MessageConsumer, MessageReader, messagePrefixBytes } from './message-reader.ts';
import { sendMessage } from './message-writer.ts';
import type { ResponseHead } from './response-head.ts';
import { Status } from './status.ts';
import type { Message } from './types.ts';

/** A unary call of a client: one message out, one back, and a status. */
export class ClientUnaryCall extends ClientCall implements MessageConsumer {
  readonly #options: UnaryOptions;
  readonly #resolve: (message: Uint8Array) => void;
  readonly #reject: (error: CallError) => void;
  /** Kept until the call ends, or the server has begun to answer: it may have to be sent again. */
  #request: Message | undefined;
  #reader: MessageReader | undefined = undefined;
  #reply: Uint8Array | undefined = undefined;

  constructor(
    shared: ClientShared,
    template: HeaderTemplate,
    request: Message,
    options: UnaryOptions,
    resolve: (message: Uint8Array) => void,
    reject: (error: CallError) => void,
  ) {
    super(shared, template, options);
    this.#options = options;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (!this.mayHaveData()) return;
    const length = end - start - messagePrefixBytes;
    const isWhole =
      this.#reader === undefined &&
      length >= 0 &&
      readUint32(bytes, start + 1) === length &&
      length <= this.shared.limits.maxReceiveMessageBytes;
    if (isWhole) {
      this.onMessage(bytes.subarray(start + messagePrefixBytes, end), byteAt(bytes, start));
      return;
    }
    this.#reader ??= new MessageReader(this, this.shared.limits.maxReceiveMessageBytes);
    this.#reader.push(bytes, start, end);
  }

  onMessage(bytes: Buffer, flag: number): void {
    if (this.isOver) return;
    if (this.#reply !== undefined) {
      this.abandon(localStatus(Status.internal, 'more than one message for a unary call'));
      return;
    }
    this.#reply = this.decode(bytes, flag);
  }

  onTooLarge(announcedBytes: number): void {
    this.failTooLarge(announcedBytes);
  }

  onDrain(): void {}

  protected begin(stream: H2Stream): void {
    const { sender } = stream.connection;
    const request = this.#request;
    if (request !== undefined) sendMessage(sender, stream, request, this.isGzip, true);
  }

  protected rewind(): boolean {
    return true;
  }

  protected endMessages(): void {
    this.finishWithStatus(this.#reader !== undefined && this.#reader.heldBytes > 0);
  }

  protected tellHead(head: ResponseHead): void {
    this.#request = undefined;
    this.#options.onHead?.(head.metadata);
  }

  protected settle(status: CallStatus): void {
    this.#request = undefined;
    this.#options.onEnd?.(status);
    if (status.status !== Status.ok) {
      this.#reject(new CallError(status));
    } else if (this.#reply === undefined) {
      this.#reject(new CallError(localStatus(Status.internal, 'no message was sent')));
    } else {
      this.#resolve(this.#reply);
    }
  }
}
