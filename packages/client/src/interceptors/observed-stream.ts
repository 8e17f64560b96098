import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ClientError } from '../errors.ts';
import type { InterceptedStream } from './interceptor.ts';

type Sent = MessageInitShape<DescMessage>;
type Received = MessageShape<DescMessage>;

/** Told of what happens on a stream. */
export interface StreamObserver {
  /** Told of each message that is sent. */
  onSend?(message: Sent): void;
  /** The reader takes a message, or several at once. */
  onMessage?(message: Received): void;
  /** Called once: the reader has come to the end, to an error, or has left. */
  onEnd?(error: ClientError | undefined): void;
}

/** The same stream, with somebody who looks on. */
export function observeStream(
  stream: InterceptedStream,
  observer: StreamObserver,
): InterceptedStream {
  return new ObservedStream(stream, observer);
}

class ObservedStream implements InterceptedStream {
  readonly #stream: InterceptedStream;
  readonly #observer: StreamObserver;
  #hasEnded = false;

  constructor(stream: InterceptedStream, observer: StreamObserver) {
    this.#stream = stream;
    this.#observer = observer;
  }

  send(message: Sent): void {
    this.#observer.onSend?.(message);
    this.#stream.send(message);
  }

  halfClose(): void {
    this.#stream.halfClose();
  }

  cancel(): void {
    this.#stream.cancel();
    this.#end(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void, undefined> {
    for await (const messages of this.batches()) yield* messages;
  }

  async *batches(): AsyncGenerator<readonly Received[], void, undefined> {
    try {
      for await (const messages of this.#stream.batches()) {
        for (const message of messages) this.#observer.onMessage?.(message);
        yield messages;
      }
    } catch (error) {
      // Streams throw nothing else; what the reader throws does not come here.
      this.#end(error as ClientError);
      throw error;
    } finally {
      this.#end(undefined);
    }
  }

  #end(error: ClientError | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#observer.onEnd?.(error);
  }
}
