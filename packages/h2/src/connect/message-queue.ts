/** Bytes that may wait for a reader before the peer is held back. */
const highWaterBytes = 64 * 1024;

/** The side that feeds a queue. */
export interface QueueSource {
  /** Messages pile up: stop. */
  pause(): void;
  /** The reader has caught up: go on. */
  resume(): void;
}

/**
 * Serialized messages from a peer as an iterable. They are parsed when they are read, so that what is wrong
 * with one is thrown to the reader, after those before it.
 */
export class MessageQueue<T> implements AsyncIterable<T> {
  readonly #source: QueueSource;
  readonly #parse: (bytes: Uint8Array) => T;
  #messages: Uint8Array[] = [];
  #head = 0;
  #waitingBytes = 0;
  #isPaused = false;
  #hasEnded = false;
  #error: Error | undefined = undefined;
  #wake: (() => void) | undefined = undefined;
  readonly #onReturn: () => void;

  /** `onReturn` is told when a reader stops before the end. */
  constructor(source: QueueSource, parse: (bytes: Uint8Array) => T, onReturn: () => void) {
    this.#source = source;
    this.#parse = parse;
    this.#onReturn = onReturn;
  }

  push(message: Uint8Array): void {
    this.#messages.push(message);
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > highWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#source.pause();
    }
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** The reader gets this error after the messages that wait. */
  fail(error: Error): void {
    if (this.#hasEnded) return;
    this.#error ??= error;
    this.end();
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const message = this.#messages[this.#head];
        if (message !== undefined) {
          this.#took(message);
          yield this.#parse(message);
        } else if (this.#hasEnded) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!this.#hasEnded) this.#onReturn();
    }
  }

  #took(message: Uint8Array): void {
    this.#head += 1;
    this.#waitingBytes -= message.length;
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    }
    if (this.#isPaused && this.#waitingBytes * 2 <= highWaterBytes) {
      this.#isPaused = false;
      this.#source.resume();
    }
  }
}
