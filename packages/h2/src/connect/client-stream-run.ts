import type { CallStatus } from '../grpc/call-status.ts';
import type { ClientReceiver, ClientStream } from '../grpc/client-types.ts';
import { Status } from '../grpc/status.ts';
import type { Metadata } from '../grpc/types.ts';
import { errorOfStatus } from './connect-status.ts';
import { DrainGate } from './drain-gate.ts';
import { toHeaders } from './headers.ts';
import { MessageQueue } from './message-queue.ts';

/** Half of Connect's `Serialization`. */
interface Serializer<T> {
  readonly serialize: (message: T) => Uint8Array;
}

/** The other half. */
interface Parser<T> {
  readonly parse: (bytes: Uint8Array) => T;
}

/** A streaming call of a transport: requests out of an iterable, responses into one. */
export class ClientStreamRun<I, O> implements ClientReceiver {
  /** Resolves when the response's headers have come; rejects when the call ends badly without any. */
  readonly head: Promise<Metadata>;
  readonly #resolveHead: (metadata: Metadata) => void;
  readonly #rejectHead: (error: Error) => void;
  readonly #serialize: (message: I) => Uint8Array;
  readonly #messages: MessageQueue<O>;
  readonly #trailer = new Headers();
  readonly #gate = new DrainGate();
  #stream: ClientStream | undefined = undefined;
  #metadata: Metadata | undefined = undefined;
  #hasEnded = false;
  /** What the requests threw: it counts more than that the call was cancelled for it. */
  #requestError: Error | undefined = undefined;

  constructor(input: Serializer<I>, output: Parser<O>) {
    const { promise, resolve, reject } = Promise.withResolvers<Metadata>();
    this.head = promise;
    this.#resolveHead = resolve;
    this.#rejectHead = reject;
    this.#serialize = input.serialize;
    const source = {
      pause: () => this.#stream?.pause(),
      resume: () => this.#stream?.resume(),
    };
    this.#messages = new MessageQueue<O>(source, output.parse, () => this.#stream?.cancel());
  }

  /** The responses; the trailers are there when all have been read. */
  get response(): { readonly message: AsyncIterable<O>; readonly trailer: Headers } {
    return { message: this.#messages, trailer: this.#trailer };
  }

  begin(open: (receiver: ClientReceiver) => ClientStream, requests: AsyncIterable<I>): void {
    const stream = open(this);
    this.#stream = stream;
    void this.#sendAll(stream, requests);
  }

  onHead(metadata: Metadata): void {
    this.#metadata = metadata;
    this.#resolveHead(metadata);
  }

  onMessage(message: Uint8Array): void {
    this.#messages.push(message);
  }

  onDrain(): void {
    this.#gate.open();
  }

  onEnd(status: CallStatus): void {
    this.#hasEnded = true;
    this.#gate.open();
    toHeaders(status.metadata.entries(), this.#trailer);
    if (status.status === Status.ok) {
      this.#resolveHead(status.metadata);
      this.#messages.end();
    } else {
      const error = this.#requestError ?? errorOfStatus(status, this.#metadata);
      this.#rejectHead(error);
      this.#messages.fail(error);
    }
  }

  async #sendAll(stream: ClientStream, requests: AsyncIterable<I>): Promise<void> {
    try {
      for await (const request of requests) {
        if (this.#hasEnded) return;
        if (!stream.send(this.#serialize(request))) await this.#gate.wait();
        if (this.#hasEnded) return;
      }
      stream.halfClose();
    } catch (error) {
      this.#requestError = error instanceof Error ? error : new Error(String(error));
      stream.cancel();
    }
  }
}
