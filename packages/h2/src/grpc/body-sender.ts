import type { H2Stream } from '../stream.ts';

/** Sends a body piece by piece, no faster than the peer takes it. */
export class BodySender {
  #isStopped = false;
  #wake: (() => void) | undefined = undefined;

  /**
   * Sends every piece, which must not change afterwards. True: all were; false: it was stopped, and the
   * body is read no further. Rejects with what the body throws.
   */
  async send(stream: H2Stream, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<boolean> {
    const { sender } = stream.connection;
    for await (const piece of body instanceof Uint8Array ? [body] : body) {
      if (this.#isStopped) return false;
      if (piece.length > 0) {
        sender.enqueue(stream, piece);
        sender.pump(stream);
      }
      if (sender.mayGoOn(stream)) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#isStopped) return false;
    }
    return !this.#isStopped;
  }

  /** The output has drained. */
  drained(): void {
    this.#wake?.();
  }

  /** Nothing more may be sent. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }
}
