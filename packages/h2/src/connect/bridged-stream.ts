import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Status, type StatusCode } from '../grpc/status.ts';
import type {
  AbortReason,
  Message,
  StreamCall,
  StreamMethod,
  StreamReceiver,
} from '../grpc/types.ts';
import { BridgedCall, bridgedError, joined } from './bridged-call.ts';
import { errorOfAbort } from './call-context.ts';
import { DrainGate } from './drain-gate.ts';
import { MessageQueue } from './message-queue.ts';

/**
 * Calls a raw streaming method for one of Connect's handlers: its messages, as Connect reads them. They
 * end with `ConnectError` unless the status is OK.
 */
export function bridgeStream(
  method: DescMethod,
  raw: StreamMethod,
  requests: AsyncIterable<never>,
  context: HandlerContext,
): AsyncIterable<unknown> {
  return new BridgedStream(method, context).begin(raw, requests);
}

/** The raw handler's side: what it sends waits here until Connect asks for it. */
class BridgedStream extends BridgedCall implements StreamCall {
  readonly #method: DescMethod;
  readonly #responses: MessageQueue<MessageShape<DescMessage>>;
  readonly #gate = new DrainGate();
  #receiver: StreamReceiver | undefined = undefined;
  #isOver = false;
  #isFull = false;
  #isPaused = false;

  constructor(method: DescMethod, context: HandlerContext) {
    super(context);
    this.#method = method;
    const source = {
      pause: () => {
        this.#isFull = true;
      },
      resume: () => this.#drained(),
    };
    const parse = (bytes: Uint8Array) => fromBinary(method.output, bytes);
    this.#responses = new MessageQueue(source, parse, () => this.#abort('cancelled'));
  }

  begin(raw: StreamMethod, requests: AsyncIterable<never>): AsyncIterable<unknown> {
    this.#receiver = raw.open(this);
    this.whenAborted((reason) => this.#abort(reason));
    void this.#feed(this.#receiver, requests);
    return this.#responses;
  }

  send(message: Message): boolean {
    if (this.#isOver) return true;
    this.#responses.push(joined(message));
    return !this.#isFull;
  }

  end(status: StatusCode = Status.ok, message = '', details?: Uint8Array): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (status === Status.ok) this.#responses.end();
    else this.#responses.fail(bridgedError(status, message, details));
    this.#gate.open();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#gate.open();
  }

  async #feed(receiver: StreamReceiver, requests: AsyncIterable<never>): Promise<void> {
    try {
      for await (const request of requests) {
        while (this.#isPaused && !this.#isOver) await this.#gate.wait();
        if (this.#isOver) return;
        receiver.onMessage(toBinary(this.#method.input, request));
      }
      while (this.#isPaused && !this.#isOver) await this.#gate.wait();
      if (!this.#isOver) receiver.onHalfClose();
    } catch (error) {
      // The requests broke off: what is wrong with them is the answer.
      this.#responses.fail(error instanceof Error ? error : new Error(String(error)));
      this.#abort('cancelled');
    }
  }

  #drained(): void {
    this.#isFull = false;
    if (!this.#isOver) this.#receiver?.onDrain?.();
  }

  #abort(reason: AbortReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#responses.fail(errorOfAbort(reason));
    this.#gate.open();
    this.#receiver?.onAbort(reason);
  }
}
