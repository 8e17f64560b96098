/** Holds that gathered nothing are followed by so many turns without one, at most. */
const maxRestTurns = 64;

/**
 * Whether a connection's messages wait a turn for more to come, so that one write takes the messages of two.
 * Small writes cost nearly the same whatever they hold. Learned from what waiting has brought: where every
 * turn has messages it goes on, elsewhere it is tried once in a while.
 */
export class Gathering {
  readonly #maxBytes: number;
  /** What was pending when the hold under way began; -1: there is none. */
  #heldBytes = -1;
  /** Turns until the next hold, and how many there will be when that one brings nothing. */
  #restTurns = maxRestTurns;
  #nextRest = maxRestTurns;

  /** Holds fewer than `maxBytes`. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isHolding(): boolean {
    return this.#heldBytes >= 0;
  }

  /** Nothing is to be done about so many bytes: they wait already. */
  holds(pendingBytes: number): boolean {
    return this.#heldBytes >= 0 && pendingBytes < this.#maxBytes;
  }

  /** At the end of a turn that has left so many bytes pending. True: they are held. */
  begin(pendingBytes: number): boolean {
    if (pendingBytes === 0 || pendingBytes >= this.#maxBytes) return false;
    if (this.#restTurns > 0) {
      this.#restTurns -= 1;
      return false;
    }
    this.#heldBytes = pendingBytes;
    return true;
  }

  /** So many bytes are about to be written. A hold that took too long is none to be repeated soon. */
  end(pendingBytes: number, tookTooLong: boolean): void {
    if (this.#heldBytes < 0) return;
    const hasGathered = pendingBytes > this.#heldBytes && !tookTooLong;
    this.#heldBytes = -1;
    if (hasGathered) {
      this.#nextRest = 1;
    } else {
      this.#restTurns = this.#nextRest;
      this.#nextRest = Math.min(2 * this.#nextRest, maxRestTurns);
    }
  }
}
