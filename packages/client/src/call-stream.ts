import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Attempts } from './attempts.ts';
import type { CallOptions } from './call-options.ts';
import type { Caller } from './caller.ts';
import type { CallFailure, Channel } from './channel.ts';
import type { ClientError } from './errors.ts';

/** Bytes that may wait for the reader before the server is held back. */
const highWaterBytes = 256 * 1024;

/** What the server streams to the caller. For one reader; a reader that stops early ends the call. */
export interface ResponseStream<O> extends AsyncIterable<O> {
  /** Ends the call; the reader sees the end. */
  cancel(): void;
}

/** A call with messages both ways. */
export interface MessageStream<I, O> extends ResponseStream<O> {
  /** Sends one message; kept until there is a connection. Without effect after the end. */
  send(message: I): void;
  /** Says that no more messages will be sent. */
  halfClose(): void;
}

type OpenStream = ReturnType<Channel['stream']>;

/** A streaming call. The reader gets what came before an error, then the error as `ClientError`. */
export class CallStream<I extends DescMessage, O extends DescMessage>
  implements MessageStream<MessageInitShape<I>, MessageShape<O>>
{
  readonly #input: I;
  readonly #output: O;
  readonly #options: CallOptions;
  readonly #caller: Caller;
  readonly #path: string;
  readonly #attempts = new Attempts();
  #stream: OpenStream | undefined = undefined;
  /** The messages so far, until the server has answered: another endpoint may have to get them. */
  #kept: Uint8Array[] | undefined = [];
  #isHalfClosed = false;
  #received: Uint8Array[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  #hasEnded = false;
  #error: ClientError | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(caller: Caller, path: string, input: I, output: O, options: CallOptions) {
    this.#input = input;
    this.#output = output;
    this.#options = options;
    this.#caller = caller;
    this.#path = path;
    this.#place();
  }

  send(message: MessageInitShape<I>): void {
    if (this.#hasEnded || this.#isHalfClosed) return;
    const bytes = toBinary(this.#input, create(this.#input, message));
    this.#kept?.push(bytes);
    this.#stream?.send(bytes);
  }

  halfClose(): void {
    this.#isHalfClosed = true;
    this.#stream?.halfClose();
  }

  cancel(): void {
    this.#end(undefined);
    this.#stream?.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MessageShape<O>> {
    try {
      for (;;) {
        const bytes = this.#received.shift();
        if (bytes !== undefined) {
          this.#waitingBytes -= bytes.length;
          this.#maybeResume();
          yield fromBinary(this.#output, bytes);
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#hasEnded) return;
        else await this.#news();
      }
    } finally {
      this.cancel();
    }
  }

  #place(): void {
    this.#caller.place(this.#options).then(
      ([channel, forChannel]) => {
        if (this.#hasEnded) return;
        const receiver = {
          onMessage: (message: Uint8Array) => this.#onMessage(message),
          onEnd: (failure: CallFailure | undefined) => this.#onEnd(channel, failure),
        };
        this.#stream = channel.stream(this.#path, receiver, forChannel);
        for (const bytes of this.#kept ?? []) this.#stream.send(bytes);
        if (this.#isHalfClosed) this.#stream.halfClose();
      },
      (error: ClientError) => this.#end(error),
    );
  }

  #onMessage(message: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#kept = undefined;
    this.#received.push(message);
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#stream?.pause();
    }
    this.#wakeReader();
  }

  #maybeResume(): void {
    if (!this.#isPaused || this.#waitingBytes > 0) return;
    this.#isPaused = false;
    this.#stream?.resume();
  }

  #onEnd(channel: Channel, failure: CallFailure | undefined): void {
    if (this.#hasEnded) return;
    const isUnreached = failure?.connect !== undefined && this.#kept !== undefined;
    const error = failure === undefined ? undefined : this.#errorOf(channel, failure);
    const hasMore = this.#attempts.failures.length < this.#caller.endpointCount;
    if (isUnreached && hasMore && error?.code !== 'aborted') {
      this.#stream = undefined;
      this.#place();
    } else {
      this.#end(error);
    }
  }

  #errorOf(channel: Channel, failure: CallFailure): ClientError {
    this.#attempts.note(channel, failure);
    const { signal, timeoutMs = 0 } = this.#options;
    const isAborted = signal?.aborted === true;
    if (isAborted) return this.#attempts.ended({ timeoutMs, deadline: 0, signal }, true);
    return this.#attempts.answered(channel, failure, true);
  }

  #end(error: ClientError | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#wakeReader();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
