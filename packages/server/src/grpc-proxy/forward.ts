import type { DescMessage } from '@bufbuild/protobuf';
import type { ResponseStream } from '@kvorum/client';
import type { GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '@kvorum/h2';
import { decodeMessage } from '../codec/message.ts';
import { statusOf } from '../rpc/method.ts';
import { type Backend, endOf, type ForwardOptions, forwardedMetadata } from './backend.ts';

/** A unary method that answers with what a promise gives, or fails as that does. */
export function answering(
  answer: (request: Uint8Array, call: UnaryCall) => Promise<Uint8Array>,
): GrpcMethod {
  return {
    kind: 'unary',
    async handle(request, call) {
      let message: Uint8Array;
      try {
        message = await answer(request, call);
      } catch (error) {
        const { status, text } = failureOf(error);
        call.fail(status, text);
        return;
      }
      call.reply(message);
    },
  };
}

/** How the caller is told of what went wrong, here or at the members. Bugs are thrown on. */
export function failureOf(error: unknown): { readonly status: number; readonly text: string } {
  if (error instanceof Error && error.name === 'ClientError') return endOf(error);
  return statusOf(error);
}

/** A unary method whose calls the members answer. */
export function forwarded(backend: Backend, path: string, options?: ForwardOptions): GrpcMethod {
  return answering((request, call) => backend.unary(path, request, call, options));
}

/** A method with one message in and many out, whose calls a member answers. */
export function forwardedStream(
  backend: Backend,
  path: string,
  input: DescMessage,
  changeRequest: (request: Uint8Array) => Uint8Array = (request) => request,
  changeResponse: (response: Uint8Array) => Uint8Array = (response) => response,
): GrpcMethod {
  const open = (call: StreamCall) => {
    return new ForwardedStream(call, (request) => {
      const stream = backend.rpc.stream(path, input, changeResponse, {
        metadata: forwardedMetadata(call),
        timeoutMs: call.remainingMs() ?? 0,
      });
      stream.send(decodeMessage(input, changeRequest(request)));
      stream.halfClose();
      return stream;
    });
  };
  return { kind: 'stream', open };
}

/** Passes on what a member streams, no faster than the caller takes it. */
class ForwardedStream implements StreamReceiver {
  readonly #call: StreamCall;
  readonly #begin: (request: Uint8Array) => ResponseStream<Uint8Array>;
  #stream: ResponseStream<Uint8Array> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(call: StreamCall, begin: (request: Uint8Array) => ResponseStream<Uint8Array>) {
    this.#call = call;
    this.#begin = begin;
  }

  onMessage(request: Uint8Array): void {
    if (this.#stream !== undefined) return;
    try {
      this.#stream = this.#begin(request);
    } catch (error) {
      const { status, text } = statusOf(error, 'stream');
      this.#call.end(status, text);
      return;
    }
    void this.#passOn(this.#stream);
  }

  onHalfClose(): void {}

  onDrain(): void {
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  onAbort(): void {
    this.#stream?.cancel();
    this.onDrain();
  }

  async #passOn(stream: ResponseStream<Uint8Array>): Promise<void> {
    try {
      for await (const message of stream) {
        if (!this.#call.send(message)) await this.#drained();
      }
      this.#call.end();
    } catch (error) {
      const { status, text } = failureOf(error);
      this.#call.end(status, text);
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }
}
