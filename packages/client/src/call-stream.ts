import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Attempts } from './attempts.ts';
import type { CallOptions } from './call-options.ts';
import type { Caller } from './caller.ts';
import type { CallFailure, Channel, ChannelCallOptions, ChannelStream } from './channel.ts';
import type { ClientError } from './errors.ts';

/** Bytes that may wait for the reader before the server is held back. */
const highWaterBytes = 256 * 1024;

/** What the server streams to the caller. For one reader; a reader that stops early ends the call. */
export interface ResponseStream<O> extends AsyncIterable<O> {
  /** The same, all at once that has come so far: cheaper where much comes. */
  batches(): AsyncGenerator<readonly O[], void, undefined>;
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

/** A streaming call. The reader gets what came before an error, then the error as `ClientError`. */
export class CallStream<I extends DescMessage, O> implements MessageStream<MessageInitShape<I>, O> {
  readonly #input: I;
  readonly #read: (message: Uint8Array) => O;
  readonly #options: CallOptions;
  readonly #caller: Caller;
  readonly #path: string;
  readonly #attempts = new Attempts();
  #stream: ChannelStream | undefined = undefined;
  /** The messages so far, until the server has answered: another endpoint may have to get them. */
  #kept: Uint8Array[] | undefined = [];
  #isHalfClosed = false;
  #hadNewToken = false;
  #received: Uint8Array[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  #hasEnded = false;
  #error: unknown = undefined;
  #wake: (() => void) | undefined = undefined;

  /** `read` gets each answer; what it throws is thrown to the reader, as the end of the call. */
  constructor(
    caller: Caller,
    path: string,
    input: I,
    read: (message: Uint8Array) => O,
    options: CallOptions,
  ) {
    this.#input = input;
    this.#read = read;
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

  async *[Symbol.asyncIterator](): AsyncGenerator<O, void, undefined> {
    for await (const messages of this.batches()) yield* messages;
  }

  async *batches(): AsyncGenerator<readonly O[], void, undefined> {
    try {
      for (;;) {
        if (this.#received.length > 0) {
          yield this.#takeReceived();
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#hasEnded) return;
        else await this.#news();
      }
    } finally {
      this.cancel();
    }
  }

  /** Reads what has come, and makes room for more. */
  #takeReceived(): readonly O[] {
    const received = this.#received;
    this.#received = [];
    this.#waitingBytes = 0;
    const messages: O[] = [];
    try {
      for (const bytes of received) messages.push(this.#read(bytes));
    } catch (error) {
      this.#end(error);
      this.#stream?.cancel();
    }
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#stream?.resume();
    }
    return messages;
  }

  #place(): void {
    this.#caller.place(this.#path, this.#options).then(
      ([channel, forChannel]) => {
        if (this.#hasEnded) return;
        const receiver = {
          onMessage: (message: Uint8Array) => this.#onMessage(channel, message),
          onEnd: (failure: CallFailure | undefined) => this.#onEnd(channel, forChannel, failure),
        };
        this.#stream = channel.stream(this.#path, receiver, forChannel);
        for (const bytes of this.#kept ?? []) this.#stream.send(bytes);
        if (this.#isHalfClosed) this.#stream.halfClose();
      },
      (error: ClientError) => this.#end(error),
    );
  }

  #onMessage(channel: Channel, message: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#kept !== undefined) this.#caller.noteAnswer(channel);
    this.#kept = undefined;
    this.#received.push(message);
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#stream?.pause();
    }
    this.#wakeReader();
  }

  #onEnd(channel: Channel, forChannel: ChannelCallOptions, failure: CallFailure | undefined): void {
    if (this.#hasEnded) return;
    if (failure !== undefined && this.#mayTryOtherToken(failure, forChannel)) {
      this.#stream = undefined;
      this.#place();
      return;
    }
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

  #mayTryOtherToken(failure: CallFailure, forChannel: ChannelCallOptions): boolean {
    const isRefused = this.#caller.maybeRefuseToken(failure, forChannel);
    const may = isRefused && this.#kept !== undefined && !this.#hadNewToken;
    if (isRefused) this.#hadNewToken = true;
    return may;
  }

  #errorOf(channel: Channel, failure: CallFailure): ClientError {
    this.#attempts.note(channel, failure);
    this.#caller.noteFailure(channel, failure);
    const { signal, timeoutMs = 0 } = this.#options;
    const isAborted = signal?.aborted === true;
    if (isAborted) return this.#attempts.ended({ timeoutMs, signal }, true);
    return this.#attempts.answered(channel, failure, true);
  }

  #end(error: unknown): void {
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
