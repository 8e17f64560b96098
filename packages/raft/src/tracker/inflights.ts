import { invariant } from '../invariant.ts';

/**
 * The append messages that a follower has not acknowledged yet, oldest first: a ring of (last index, bytes).
 * Bounds what a slow follower can make the leader keep in flight. The ring grows as needed up to `maxCount`.
 */
export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #start = 0;
  #count = 0;
  #bytes = 0;
  #lastIndexes: number[] = [];
  #sizes: number[] = [];

  /** `maxBytes` may be Infinity. One message above it is let through when nothing else is in flight. */
  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more may be sent before something is acknowledged. */
  get full(): boolean {
    return this.#count >= this.#maxCount || (this.#count > 0 && this.#bytes >= this.#maxBytes);
  }

  /** Records a message whose last entry is `lastIndex`. Indexes never fall. */
  add(lastIndex: number, bytes: number): void {
    invariant(!this.full, 'sending to a follower whose inflight window is full');
    if (this.#count === this.#lastIndexes.length) this.#grow();
    const at = (this.#start + this.#count) % this.#lastIndexes.length;
    this.#lastIndexes[at] = lastIndex;
    this.#sizes[at] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Forgets the messages that ended at or before `index`. */
  freeThrough(index: number): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] as number) <= index) {
      this.#bytes -= this.#sizes[this.#start] as number;
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count--;
    }
  }

  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  /** Doubles the ring, laid out from its oldest message on. */
  #grow(): void {
    const size = Math.max(8, Math.min(this.#maxCount, 2 * this.#lastIndexes.length));
    const lastIndexes: number[] = new Array(size).fill(0);
    const sizes: number[] = new Array(size).fill(0);
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % this.#lastIndexes.length;
      lastIndexes[i] = this.#lastIndexes[at] as number;
      sizes[i] = this.#sizes[at] as number;
    }
    this.#lastIndexes = lastIndexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
