import type { Timers } from './timers.ts';

/** Wait after something has failed, in ms: the first one, and the longest. */
const firstPauseMs = 50;
const longestPauseMs = 1000;

/** The share of a pause that chance decides about. */
const jitter = 0.5;

/**
 * Pauses between attempts that fail: each twice the last one, up to a second, and shorter by up to a half at random, so
 * that clients which lost a server together do not come back together.
 */
export class Backoff {
  readonly #random: () => number;
  readonly #firstMs: number;
  #nextMs: number;

  constructor({ random }: Pick<Timers, 'random'>, firstMs = firstPauseMs) {
    this.#random = random ?? (() => 0);
    this.#firstMs = firstMs;
    this.#nextMs = firstMs;
  }

  /** The next pause, in ms. */
  next(): number {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(2 * pauseMs, longestPauseMs);
    return pauseMs * (1 - jitter * this.#random());
  }

  /** It works again. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
