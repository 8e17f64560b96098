import { grpcStatus } from '@kvorum/api';
import type {
  AbortReason,
  Message,
  StatusCode,
  StreamCall,
  StreamMethod,
  StreamReceiver,
} from '@kvorum/h2';
import { GatewayCall, joined } from './gateway-call.ts';
import { statusJson } from './http-status.ts';
import type { MessagePlan } from './json/message-plan.ts';
import { messageToJson } from './json/message-to-json.ts';

/** Bytes of messages that may wait for the client before the method is told to wait as well. */
const HIGH_WATER_BYTES = 256 * 1024;

/** How a stream begins: with a message, or with its end. */
export type StreamStart = 'message' | { readonly status: number; readonly text: string };

/** A call with many messages, whose answer is a line of JSON for each. */
export class GatewayStreamCall extends GatewayCall implements StreamCall {
  /** Resolves when it's known how the answer begins; undefined when nobody is there to be answered. */
  readonly start = Promise.withResolvers<StreamStart | undefined>();
  #receiver: StreamReceiver | undefined;
  #messages: Uint8Array[] = [];
  #waitingBytes = 0;
  #isFull = false;
  #isPaused = false;
  #end: { readonly status: number; readonly text: string } | undefined;
  /** Something to send, or the end. */
  #wakeSender: (() => void) | undefined;
  /** Requests may be read on, or are of no use any more. */
  #wakeReader: (() => void) | undefined;

  /** No more is sent; what waits still arrives, unless the client has gone. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  open(method: StreamMethod): void {
    this.#receiver = method.open(this);
  }

  /** Hands a request to the method, when it's ready for one. */
  async receive(request: Uint8Array): Promise<void> {
    await this.#untilResumed();
    if (this.isOver) return;
    this.stats.messageReceived(this.path, request.length);
    this.#receiver?.onMessage(request);
  }

  async halfClose(): Promise<void> {
    await this.#untilResumed();
    if (!this.isOver) this.#receiver?.onHalfClose();
  }

  send(message: Message): boolean {
    if (this.isOver) return true;
    const bytes = joined(message);
    this.stats.messageSent(this.path, bytes.length);
    this.#messages.push(bytes);
    this.#waitingBytes += bytes.length;
    this.start.resolve('message');
    this.#wakeSender?.();
    this.#isFull = this.#waitingBytes > HIGH_WATER_BYTES;
    return !this.#isFull;
  }

  end(status: StatusCode = grpcStatus.ok, text = ''): void {
    if (!this.isOver) this.#finish(status, text);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wakeReader?.();
  }

  /** Ends the call for a reason that the method has not had a part in, and tells it. */
  refuse(status: StatusCode, text: string): void {
    if (this.isOver) return;
    this.#finish(status, text);
    this.aborted = true;
    this.#receiver?.onAbort('cancelled');
  }

  /** The client has gone. */
  abort(): void {
    this.#messages = [];
    if (this.isOver) return;
    this.start.resolve(undefined);
    this.#abort('cancelled', grpcStatus.canceled, '');
    // There is nobody to be told.
    this.#end = { status: grpcStatus.ok, text: '' };
  }

  protected expire(): void {
    this.#abort('deadline', grpcStatus.deadlineExceeded, 'context deadline exceeded');
  }

  /** The lines of the answer, no faster than they are taken. A large message comes in several pieces. */
  async *lines(output: MessagePlan): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) {
          this.#took(message.length);
          yield* this.#line(output, message);
        } else if (this.#end !== undefined) {
          const { status, text } = this.#end;
          if (status !== grpcStatus.ok) yield errorLine(status, text);
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeSender = resolve;
          });
        }
      }
    } finally {
      this.abort();
    }
  }

  async *#line(output: MessagePlan, message: Uint8Array): AsyncGenerator<Uint8Array> {
    let text = '{"result":';
    for (const piece of messageToJson(output, message)) {
      if (text !== '{"result":') {
        yield Buffer.from(text);
        await new Promise<void>((resolve) => this.clock.nextTurn(resolve));
        text = '';
      }
      text += piece;
    }
    yield Buffer.from(`${text}}\n`);
  }

  #took(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (!this.#isFull || this.#waitingBytes * 2 > HIGH_WATER_BYTES) return;
    this.#isFull = false;
    if (!this.isOver) this.#receiver?.onDrain?.();
  }

  #abort(reason: AbortReason, status: StatusCode, text: string): void {
    if (this.isOver) return;
    this.aborted = true;
    this.#finish(status, text);
    this.#receiver?.onAbort(reason);
  }

  #finish(status: number, text: string): void {
    this.#end = { status, text };
    this.finish(status);
    this.start.resolve(this.#end);
    this.#wakeSender?.();
    this.#wakeReader?.();
  }

  async #untilResumed(): Promise<void> {
    while (this.#isPaused && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }
}

/** How a stream that fails says so. */
export function errorLine(status: number, text: string): Uint8Array {
  return Buffer.from(`{"error":${statusJson(status, text)}}\n`);
}
