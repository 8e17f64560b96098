import { grpcStatus } from '@kvorum/api';
import type { AbortReason, Message, StatusCode, UnaryCall, UnaryMethod } from '@kvorum/h2';
import { GatewayCall, joined } from './gateway-call.ts';

/** How a unary call went. */
export type UnaryResult =
  | { readonly kind: 'reply'; readonly message: Uint8Array }
  | { readonly kind: 'failure'; readonly status: number; readonly text: string }
  /** Nobody is there to be told. */
  | { readonly kind: 'gone' };

/** A call with one message in and one out. */
export class GatewayUnaryCall extends GatewayCall implements UnaryCall {
  /** Never rejects. */
  readonly #result = Promise.withResolvers<UnaryResult>();
  #isOver = false;
  #abortReason: AbortReason | undefined;
  #onAbort: ((reason: AbortReason) => void) | undefined;

  /** Has the method answer; resolves with how it went. */
  run(method: UnaryMethod, request: Uint8Array): Promise<UnaryResult> {
    this.stats.messageReceived(this.path, request.length);
    method.handle(request, this);
    return this.#result.promise;
  }

  onAbort(callback: (reason: AbortReason) => void): void {
    if (this.#abortReason === undefined) this.#onAbort = callback;
    else callback(this.#abortReason);
  }

  reply(message: Message): void {
    const bytes = joined(message);
    if (this.#isOver) return;
    this.stats.messageSent(this.path, bytes.length);
    this.#end(grpcStatus.ok, { kind: 'reply', message: bytes });
  }

  fail(status: StatusCode, text: string): void {
    if (!this.#isOver) this.#end(status, { kind: 'failure', status, text });
  }

  /** The client has gone. */
  abort(): void {
    this.#abort('cancelled', grpcStatus.canceled, { kind: 'gone' });
  }

  protected expire(): void {
    const status = grpcStatus.deadlineExceeded;
    const text = 'context deadline exceeded';
    this.#abort('deadline', status, { kind: 'failure', status, text });
  }

  #abort(reason: AbortReason, status: number, result: UnaryResult): void {
    if (this.#isOver) return;
    this.aborted = true;
    this.#abortReason = reason;
    this.#end(status, result);
    this.#onAbort?.(reason);
  }

  #end(status: number, result: UnaryResult): void {
    this.#isOver = true;
    this.finish(status);
    this.#result.resolve(result);
  }
}
