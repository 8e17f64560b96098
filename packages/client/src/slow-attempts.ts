import type { Timers } from './timers.ts';

/**
 * Someone who waits for an answer, with its neighbours in a ring of those who do: itself while it stands in none. A set
 * would cost more than a call.
 */
export interface Waiting {
  /** Set when it begins to wait, by the client's timers. */
  beganMs: number;
  before: Waiting;
  after: Waiting;
  /** Called once, when it has waited for too long. */
  onSlow(): void;
}

/**
 * Finds out which attempts wait for an answer for long. One timer serves them all. It begins and ends the ring: after
 * it come those that wait, in the order in which they began.
 */
export class SlowAttempts implements Waiting {
  beganMs = 0;
  before: Waiting = this;
  after: Waiting = this;
  readonly #timers: Timers;
  readonly #afterMs: number;
  #callOff: (() => void) | undefined = undefined;

  /** `afterMs` 0: nothing is ever too long. */
  constructor(timers: Timers, afterMs: number) {
    this.#timers = timers;
    this.#afterMs = afterMs;
  }

  begin(waiting: Waiting): void {
    if (this.#afterMs === 0) return;
    waiting.beganMs = this.#timers.now();
    const last = this.before;
    waiting.before = last;
    waiting.after = this;
    last.after = waiting;
    this.before = waiting;
    if (this.#callOff === undefined) this.#arm(this.#afterMs);
  }

  /** It waits no more. */
  end(waiting: Waiting): void {
    waiting.before.after = waiting.after;
    waiting.after.before = waiting.before;
    waiting.before = waiting;
    waiting.after = waiting;
    if (this.after !== this || this.#timers.quietly !== undefined) return;
    // The timer would keep the process alive.
    this.#callOff?.();
    this.#callOff = undefined;
  }

  /** It waits for nothing itself. */
  onSlow(): void {}

  #arm(delayMs: number): void {
    const onTimer = () => this.#onTimer();
    const { quietly } = this.#timers;
    this.#callOff = quietly?.(delayMs, onTimer) ?? this.#timers.after(delayMs, onTimer);
  }

  #onTimer(): void {
    this.#callOff = undefined;
    const now = this.#timers.now();
    for (let waiting = this.after; waiting !== this; waiting = this.after) {
      const leftMs = waiting.beganMs + this.#afterMs - now;
      if (leftMs > 0) {
        this.#arm(Math.ceil(leftMs));
        return;
      }
      this.end(waiting);
      waiting.onSlow();
    }
  }
}
