import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { etcdErrors, grpcStatus } from '@kvorum/api';
import { CallFailure, type ChannelCallOptions, type ChannelReceiver } from '../channel.ts';

/** A stream that reached a member in memory, as the member sees it: the test plays the member. */
export class MemoryStream {
  readonly endpoint: string;
  readonly path: string;
  /** Messages that have come, serialized. */
  readonly received: Uint8Array[] = [];
  isCancelled = false;
  isPaused = false;
  isHalfClosed = false;
  readonly #receiver: ChannelReceiver;
  readonly #onRequest: (stream: MemoryStream, message: Uint8Array) => void;
  #hasEnded = false;

  constructor(
    endpoint: string,
    path: string,
    receiver: ChannelReceiver,
    { signal }: ChannelCallOptions,
    onRequest: (stream: MemoryStream, message: Uint8Array) => void,
  ) {
    this.endpoint = endpoint;
    this.path = path;
    this.#receiver = receiver;
    this.#onRequest = onRequest;
    const abort = () => this.end(new CallFailure(grpcStatus.canceled, 'aborted', false));
    if (signal?.aborted === true) queueMicrotask(abort);
    signal?.addEventListener('abort', abort, { once: true });
  }

  get isOpen(): boolean {
    return !(this.#hasEnded || this.isCancelled);
  }

  /** Requests so far, decoded. */
  requests<D extends DescMessage>(schema: D): MessageShape<D>[] {
    return this.received.map((bytes) => fromBinary(schema, bytes));
  }

  answer<D extends DescMessage>(schema: D, message: MessageInitShape<D>): void {
    if (this.isOpen) this.#receiver.onMessage(toBinary(schema, create(schema, message)));
  }

  /** Undefined: as a server that ends it with OK. */
  end(failure?: CallFailure): void {
    if (!this.isOpen) return;
    this.#hasEnded = true;
    this.#receiver.onEnd(failure);
  }

  /** As a server that does not know the token. */
  refuse(): void {
    const { status, text } = etcdErrors.invalidAuthToken;
    this.end(new CallFailure(status, text, false));
  }

  /** As the connection breaking. */
  lose(): void {
    this.end(new CallFailure(grpcStatus.unavailable, 'the connection is lost', false));
  }

  /** What the client holds. */
  readonly handle = {
    send: (message: Uint8Array) => {
      if (this.isOpen) {
        this.received.push(message);
        this.#onRequest(this, message);
      }
      return true;
    },
    halfClose: () => {
      this.isHalfClosed = true;
    },
    cancel: () => {
      this.isCancelled = true;
    },
    pause: () => {
      this.isPaused = true;
    },
    resume: () => {
      this.isPaused = false;
    },
  };
}
