import { type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { StatusCode } from '../grpc/status.ts';
import type { AbortReason, Message, UnaryCall, UnaryMethod } from '../grpc/types.ts';
import { BridgedCall, bridgedError, joined } from './bridged-call.ts';
import { errorOfAbort } from './call-context.ts';

/** Calls a raw unary method for one of Connect's handlers. Rejects with `ConnectError`. */
export async function bridgeUnary(
  method: DescMethod,
  raw: UnaryMethod,
  request: never,
  context: HandlerContext,
): Promise<unknown> {
  const call = new BridgedUnary(context);
  raw.handle(toBinary(method.input, request), call);
  return fromBinary(method.output, await call.answer);
}

class BridgedUnary extends BridgedCall implements UnaryCall {
  readonly answer: Promise<Uint8Array>;
  readonly #resolve: (message: Uint8Array) => void;
  readonly #reject: (error: Error) => void;
  #isOver = false;
  #abortReason: AbortReason | undefined = undefined;
  #abortCallback: ((reason: AbortReason) => void) | undefined = undefined;

  constructor(context: HandlerContext) {
    super(context);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.answer = promise;
    // When the method throws, nobody waits for the answer any more.
    promise.catch(() => {});
    this.#resolve = resolve;
    this.#reject = reject;
    this.whenAborted((reason) => this.#abort(reason));
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.#abortReason !== undefined) callback(this.#abortReason);
    else this.#abortCallback = callback;
  }

  reply(message: Message): void {
    this.#isOver = true;
    this.#resolve(joined(message));
  }

  fail(status: StatusCode, message: string, details?: Uint8Array): void {
    this.#isOver = true;
    this.#reject(bridgedError(status, message, details));
  }

  #abort(reason: AbortReason): void {
    if (this.#isOver) return;
    this.#abortReason = reason;
    this.#reject(errorOfAbort(reason));
    this.#abortCallback?.(reason);
  }
}
