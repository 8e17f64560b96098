import { ByteQueue } from '../byte-queue.ts';
import { invariant } from '../invariant.ts';
import type { H2Stream } from '../stream.ts';

/** Pieces of a body that are read at once. */
const maxPieceBytes = 64 * 1024;

/** Told how a body is read. */
export interface BodyOwner {
  /** Somebody begins to read. */
  onWanted(): void;
  /** The reader has stopped before the end. */
  onUnwanted(): void;
}

/** A body on its way in, as an iterable. What is not read yet is held back by flow control. */
export class HeldBody {
  readonly #received = new ByteQueue();
  readonly #owner: BodyOwner;
  #stream: H2Stream | undefined = undefined;
  #hasEnded = false;
  #isTaken = false;
  #isDropped = false;
  #error: Error | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** The stream it comes on; set before anything is pushed. */
  attach(stream: H2Stream): void {
    this.#stream = stream;
    stream.holdsReceived = true;
  }

  /** The end has come, or will not come; what was received may still wait to be read. */
  get isComplete(): boolean {
    return this.#hasEnded || this.#error !== undefined;
  }

  /** Bytes that wait to be read. */
  get size(): number {
    return this.#received.size;
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#isDropped) return;
    this.#received.push(bytes, start, end);
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** What has not been read is lost, and the reader gets this error. */
  fail(error: Error): void {
    if (this.#hasEnded && this.#received.size === 0) return;
    this.#error ??= error;
    this.#received.clear();
    this.#wake?.();
  }

  /** Nobody will read on: takes what comes, and forgets it. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#received.clear();
    this.#wake?.();
    const stream = this.#stream;
    if (stream === undefined) return;
    stream.holdsReceived = false;
    stream.connection.releaseReceived(stream, stream.heldBytes);
  }

  /** Its pieces; may be asked for once. */
  read(): AsyncGenerator<Uint8Array> {
    invariant(!this.#isTaken, 'a body is read once');
    this.#isTaken = true;
    return this.#read();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    this.#owner.onWanted();
    try {
      for (;;) {
        const piece = this.#received.shift(maxPieceBytes);
        const stream = this.#stream;
        if (piece !== undefined) {
          stream?.connection.releaseReceived(stream, piece.length);
          yield piece;
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#hasEnded || this.#isDropped) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!this.isComplete) this.#owner.onUnwanted();
      this.drop();
    }
  }
}
