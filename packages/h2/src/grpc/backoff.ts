/** How long to wait before the next attempt to connect. */
export interface BackoffOptions {
  /** After the first failure, in ms. Default 1,000. */
  readonly initialMs: number;
  /** At most, in ms. Default 20,000: a member that restarts is found soon. */
  readonly maxMs: number;
  /** How much longer each time. Default 1.6. */
  readonly factor: number;
  /** Share by which it varies either way, so that clients do not come in step. Default 0.2. */
  readonly jitter: number;
}

/** What holds where a client's options say nothing. */
export const defaultBackoff: BackoffOptions = {
  initialMs: 1000,
  maxMs: 20_000,
  factor: 1.6,
  jitter: 0.2,
};

/** Waits that grow with every failure, until one attempt succeeds. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #nextMs: number;

  /** `random` gives numbers in [0, 1). */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
    this.#nextMs = options.initialMs;
  }

  /** The wait after one more failure, in ms. */
  next(): number {
    const { factor, jitter, maxMs } = this.#options;
    const base = this.#nextMs;
    this.#nextMs = Math.min(base * factor, maxMs);
    return base * (1 + jitter * (2 * this.#random() - 1));
  }

  reset(): void {
    this.#nextMs = this.#options.initialMs;
  }
}
