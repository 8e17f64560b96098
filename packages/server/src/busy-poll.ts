import type { Clock } from './clock.ts';

/** What it takes to win or lose trust: two waits of three must pay, or waiting stops. */
const MOST_TRUST = 8;
const GAIN = 1;
const LOSS = 2;
/** Without trust, one answer in so many is still followed by a wait, to see whether the client has changed. */
const TRY_EVERY = 256;

/**
 * Keeps the loop awake for a moment after an answer, when the client is likely to ask again at once.
 *
 * A process that sleeps is woken late: the processor has to leave its idle state, which takes a lone client's range
 * from 65 to over 100 us on a virtual machine. So after an answer the loop polls for input without sleeping, but only
 * for as long as a client nearby needs, and only while such waits keep being rewarded: a client farther away, or one
 * that pauses, costs one wait in 256 answers.
 */
export class BusyPoll {
  readonly #clock: Pick<Clock, 'nowMs' | 'nextTurn'>;
  readonly #longestMs: number;
  #isPolling = false;
  #wasRewarded = false;
  /** What rewarded the wait has been answered already, in the same turn. */
  #isAnswered = false;
  #untilMs = 0;
  #trust = 0;
  #answers = 0;

  /** `longestMs`: how long one wait may last; 0 never waits. */
  constructor(clock: Pick<Clock, 'nowMs' | 'nextTurn'>, longestMs: number) {
    this.#clock = clock;
    this.#longestMs = longestMs;
  }

  /** Something was sent to a client. */
  answered(): void {
    if (this.#isPolling || this.#longestMs === 0) {
      this.#isAnswered = this.#wasRewarded;
      return;
    }
    this.#answers += 1;
    if (this.#trust > 0 || this.#answers % TRY_EVERY === 0) this.#wait();
  }

  /** Something came from a client. */
  heard(): void {
    this.#wasRewarded = true;
  }

  #wait(): void {
    this.#isPolling = true;
    this.#wasRewarded = false;
    this.#isAnswered = false;
    this.#untilMs = this.#clock.nowMs() + this.#longestMs;
    this.#clock.nextTurn(this.#poll);
  }

  readonly #poll = (): void => {
    if (this.#wasRewarded) {
      this.#isPolling = false;
      this.#trust = Math.min(MOST_TRUST, this.#trust + GAIN);
      // A read is answered in the turn that brought it: without another wait every second one found the loop asleep.
      if (this.#isAnswered) this.#wait();
    } else if (this.#clock.nowMs() >= this.#untilMs) {
      this.#isPolling = false;
      this.#trust = Math.max(0, this.#trust - LOSS);
    } else {
      this.#clock.nextTurn(this.#poll);
    }
  };
}
