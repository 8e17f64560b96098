import { ByteQueue } from '../byte-queue.ts';
import type { H2Stream } from '../stream.ts';
import { type MessageConsumer, MessageReader } from './message-reader.ts';

/** Takes a stream's messages, in order, and none while paused. */
export interface InletConsumer extends MessageConsumer {
  /** After the last message; `isCut` when the body ended inside one. */
  onMessagesEnd(isCut: boolean): void;
}

/**
 * The receiving side of a streaming call, which can be paused. What comes meanwhile is kept as it came,
 * messages are made of it when they are wanted; and the sender's window shrinks by it, so that it stops.
 */
export class MessageInlet {
  readonly #consumer: InletConsumer;
  readonly #reader: MessageReader;
  #stream: H2Stream | undefined = undefined;
  readonly #backlog = new ByteQueue();
  #isPaused = false;
  #isReading = false;
  #hasEnded = false;
  #isClosed = false;

  constructor(consumer: InletConsumer, maxMessageBytes: number) {
    this.#consumer = consumer;
    this.#reader = new MessageReader(this, maxMessageBytes);
  }

  /** The stream it reads from; set before anything is pushed. */
  attach(stream: H2Stream): void {
    this.#stream = stream;
    stream.holdsReceived = this.#isPaused;
  }

  /** Bytes of the unfinished message. */
  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#isClosed) return;
    let at = start;
    if (this.#backlog.size === 0) at = this.#read(bytes, start, end);
    if (at < end && !this.#isClosed) this.#backlog.push(bytes, at, end);
    if (this.#stream !== undefined) this.#stream.holdsReceived = this.#isPaused;
  }

  /** The body has ended. */
  end(): void {
    this.#hasEnded = true;
    if (!this.#isPaused) this.#finish();
  }

  pause(): void {
    if (this.#isClosed) return;
    this.#isPaused = true;
    if (this.#stream !== undefined) this.#stream.holdsReceived = true;
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    if (this.#stream !== undefined) this.#stream.holdsReceived = false;
    // Inside `onMessage` the loop that called it goes on by itself.
    if (!this.#isReading) this.#readBacklog();
  }

  /** Nothing more is passed on. */
  close(): void {
    this.#isClosed = true;
    this.#backlog.clear();
  }

  onMessage(bytes: Buffer, flag: number): void {
    this.#consumer.onMessage(bytes, flag);
    if (this.#isPaused || this.#isClosed) this.#reader.stop();
  }

  onTooLarge(announcedBytes: number): void {
    this.#consumer.onTooLarge(announcedBytes);
  }

  #read(bytes: Buffer, start: number, end: number): number {
    this.#isReading = true;
    let at = start;
    while (at < end && !this.#isPaused && !this.#isClosed) {
      at = this.#reader.push(bytes, at, end);
    }
    this.#isReading = false;
    return at;
  }

  #readBacklog(): void {
    const backlog = this.#backlog;
    while (backlog.size > 0 && !this.#isPaused && !this.#isClosed) {
      const piece = backlog.shift(backlog.size) as Uint8Array;
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      const at = this.#read(bytes, 0, bytes.length);
      if (at < bytes.length && !this.#isClosed) backlog.unshift(bytes.subarray(at));
    }
    const stream = this.#stream;
    if (this.#isClosed || stream === undefined) return;
    const dealtWith = stream.heldBytes - backlog.size;
    if (dealtWith > 0) stream.connection.releaseReceived(stream, dealtWith);
    if (this.#hasEnded && !this.#isPaused) this.#finish();
  }

  #finish(): void {
    if (!this.#isClosed) this.#consumer.onMessagesEnd(this.#reader.heldBytes > 0);
  }
}
