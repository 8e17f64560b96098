/** How long the writes of a check took, and which failed. */
export class Latencies {
  /** Failures of the same kind, by what was wrong. */
  readonly failures = new Map<string, number>();
  #count = 0;
  #meanMs = 0;
  /** Of the squared distances from the mean (Welford's method: no sample is kept). */
  #squares = 0;
  #slowestMs = 0;

  add(latencyMs: number): void {
    this.#count += 1;
    const distance = latencyMs - this.#meanMs;
    this.#meanMs += distance / this.#count;
    this.#squares += distance * (latencyMs - this.#meanMs);
    this.#slowestMs = Math.max(this.#slowestMs, latencyMs);
  }

  addFailure(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  /** Writes that succeeded. */
  get count(): number {
    return this.#count;
  }

  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** The standard deviation of all, 0 without any. */
  get deviationMs(): number {
    return this.#count === 0 ? 0 : Math.sqrt(this.#squares / this.#count);
  }
}
