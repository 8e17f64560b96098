import { defaultWindowBytes, FrameType } from './frames.ts';
import type { Limits } from './limits.ts';
import type { Sender } from './sender.ts';
import type { H2Stream } from './stream.ts';

/**
 * What the peer may send us: its windows, as it must see them. They are opened again in large steps, when
 * half is used up, so that WINDOW_UPDATEs are few.
 */
export class ReceiveFlow {
  readonly #sender: Sender;
  readonly #limits: Limits;
  #window: number;
  #unacknowledged = 0;

  constructor(sender: Sender, limits: Limits) {
    this.#sender = sender;
    this.#limits = limits;
    this.#window = Math.max(limits.connectionWindowBytes, defaultWindowBytes);
  }

  /** Tells the peer how much more than RFC 9113's 65,535 bytes it may send. */
  open(): void {
    const increment = this.#window - defaultWindowBytes;
    if (increment > 0) this.#sender.writeUint32Frame(FrameType.windowUpdate, 0, increment);
  }

  /** A DATA frame of so many bytes has come; false when the peer was not allowed to send it. */
  take(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** The same for its stream. */
  takeOn(stream: H2Stream, bytes: number): boolean {
    stream.receiveWindow -= bytes;
    return stream.receiveWindow >= 0;
  }

  /** Bytes have been dealt with that belong to no stream any more. */
  acknowledge(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged * 2 < this.#limits.connectionWindowBytes) return;
    this.#sender.writeUint32Frame(FrameType.windowUpdate, 0, this.#unacknowledged);
    this.#window += this.#unacknowledged;
    this.#unacknowledged = 0;
  }

  /** Bytes of a stream have been dealt with. */
  acknowledgeOn(stream: H2Stream, bytes: number): void {
    this.acknowledge(bytes);
    stream.unacknowledged += bytes;
    if (stream.remoteClosed || stream.unacknowledged * 2 < this.#limits.streamWindowBytes) return;
    this.#sender.writeUint32Frame(FrameType.windowUpdate, stream.id, stream.unacknowledged);
    stream.receiveWindow += stream.unacknowledged;
    stream.unacknowledged = 0;
  }
}
