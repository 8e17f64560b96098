import { byteAt, readUint32 } from '../frames.ts';

/** In front of each message: a flag, and its length in 32 bits. */
export const messagePrefixBytes = 5;
/** The flags that there are. */
export const MessageFlag = { plain: 0, compressed: 1 } as const;

/** A message's buffer begins with as much as this, and grows with what really comes. */
const leastBufferBytes = 4 * 1024;
/**
 * How much more than has come the buffer may hold. Each time it grows all is copied, which a large message
 * must not be often; of small ones many may be unfinished, and what they hold is counted.
 */
const growthFactor = 2;
const largeGrowthFactor = 16;
const largeBytes = 64 * 1024;

/** Takes the messages that a `MessageReader` finds. */
export interface MessageConsumer {
  /** A whole message, and the flag before it; the bytes are the consumer's. */
  onMessage(bytes: Buffer, flag: number): void;
  /** A prefix announced more bytes than allowed. The reader is of no use afterwards. */
  onTooLarge(announcedBytes: number): void;
}

/**
 * Cuts a body into gRPC's length-prefixed messages. A message that lies in one piece is not copied; for
 * another, memory grows with the bytes that arrive, not with those that its prefix promises.
 */
export class MessageReader {
  readonly #consumer: MessageConsumer;
  readonly #maxBytes: number;
  readonly #prefix: Buffer = Buffer.allocUnsafe(messagePrefixBytes);
  #prefixFill = 0;
  #flag = 0;
  #isInMessage = false;
  #length = 0;
  #message: Buffer = noBytes;
  #fill = 0;
  #isStopped = false;

  constructor(consumer: MessageConsumer, maxBytes: number) {
    this.#consumer = consumer;
    this.#maxBytes = maxBytes;
  }

  /** Bytes that the unfinished message takes up here, with room for more of it; 0 when there is none. */
  get heldBytes(): number {
    return this.#isInMessage ? this.#message.length + messagePrefixBytes : this.#prefixFill;
  }

  /** Bytes of the unfinished message that have come. */
  get unfinishedBytes(): number {
    return this.#isInMessage ? this.#fill + messagePrefixBytes : this.#prefixFill;
  }

  /** Makes the running `push` return after the current message. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Reads `[start, end)` until the end or until stopped; returns the offset that it got to. */
  push(bytes: Buffer, start: number, end: number): number {
    this.#isStopped = false;
    let at = start;
    while (at < end && !this.#isStopped) {
      if (!this.#isInMessage) {
        at = this.#readPrefix(bytes, at, end);
        if (!this.#isInMessage) continue;
        if (this.#length > this.#maxBytes) {
          this.#isStopped = true;
          this.#consumer.onTooLarge(this.#length);
          return at;
        }
        if (this.#length === 0) this.#finish(noBytes);
        continue;
      }
      at = this.#readMessage(bytes, at, end);
    }
    return at;
  }

  #readPrefix(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#prefixFill === 0 && end - at >= messagePrefixBytes) {
      this.#begin(byteAt(bytes, at), readUint32(bytes, at + 1));
      return at + messagePrefixBytes;
    }
    while (at < end && this.#prefixFill < messagePrefixBytes) {
      this.#prefix[this.#prefixFill++] = byteAt(bytes, at++);
    }
    if (this.#prefixFill === messagePrefixBytes) {
      this.#begin(byteAt(this.#prefix, 0), readUint32(this.#prefix, 1));
    }
    return at;
  }

  #begin(flag: number, length: number): void {
    this.#flag = flag;
    this.#length = length;
    this.#isInMessage = true;
    this.#prefixFill = 0;
    this.#fill = 0;
  }

  #readMessage(bytes: Buffer, start: number, end: number): number {
    const missing = this.#length - this.#fill;
    const available = end - start;
    if (this.#fill === 0 && available >= missing) {
      this.#finish(bytes.subarray(start, start + missing));
      return start + missing;
    }
    const taken = Math.min(missing, available);
    const needed = this.#fill + taken;
    if (needed > this.#message.length) {
      const factor = needed < largeBytes ? growthFactor : largeGrowthFactor;
      const size = Math.max(factor * needed, leastBufferBytes);
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#length, size));
      this.#message.copy(grown, 0, 0, this.#fill);
      this.#message = grown;
    }
    bytes.copy(this.#message, this.#fill, start, start + taken);
    this.#fill = needed;
    if (needed === this.#length) {
      const message = this.#message;
      this.#message = noBytes;
      this.#finish(message);
    }
    return start + taken;
  }

  #finish(message: Buffer): void {
    this.#isInMessage = false;
    this.#fill = 0;
    this.#consumer.onMessage(message, this.#flag);
  }
}

const noBytes: Buffer = Buffer.alloc(0);
