/** A short stretch of time after which work must be left for a later turn of the loop. */
export class TimeSlice {
  readonly #now: () => number;
  readonly #deadlineMs: number;
  readonly #callsPerLook: number;
  #calls = 0;
  #expired = false;

  /** `now` is monotonic, in milliseconds; `expired` asks it once in `callsPerLook` calls. */
  constructor(now: () => number, lengthMs: number, callsPerLook: number) {
    this.#callsPerLook = callsPerLook;
    this.#now = now;
    this.#deadlineMs = now() + lengthMs;
  }

  /** A slice that never ends. */
  static unlimited(): TimeSlice {
    return new TimeSlice(() => 0, Number.POSITIVE_INFINITY, 1);
  }

  /** Whether the time is over, as of the last look at the clock. For calls between small pieces of work. */
  expired(): boolean {
    this.#calls += 1;
    if (this.#calls % this.#callsPerLook === 0) this.look();
    return this.#expired;
  }

  /** Whether the time is over now. For calls after larger pieces of work. */
  look(): boolean {
    if (!this.#expired) this.#expired = this.#now() >= this.#deadlineMs;
    return this.#expired;
  }
}
