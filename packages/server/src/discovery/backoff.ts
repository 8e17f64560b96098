import type { Clock } from '../clock.ts';

/** After so many attempts the pause grows no more. */
const maxDoublings = 8;

export interface BackoffParts {
  readonly clock: Clock;
  /** Ends pauses and attempts, which reject with its reason. */
  readonly stop: AbortSignal | undefined;
  /** Told before each pause: what is tried again, and the pause in Go's notation. */
  readonly tellPause: (reason: string, backoff: string) => void;
}

/** Attempts at a discovery service, with pauses as long as etcd's: 2 s, 4 s, up to 256 s. */
export class Backoff {
  readonly #parts: BackoffParts;
  #attempts = 0;

  constructor(parts: BackoffParts) {
    this.#parts = parts;
  }

  /** The next failure is a first one again. */
  reset(): void {
    this.#attempts = 0;
  }

  /** Tries again until it works. `judge` sees each error, and throws for one that is not worth another attempt. */
  async persist<T>(
    reason: string,
    attempt: () => Promise<T>,
    judge: (error: unknown) => void,
  ): Promise<T> {
    const { stop } = this.#parts;
    for (;;) {
      stop?.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        stop?.throwIfAborted();
        judge(error);
        await this.pause(reason);
      }
    }
  }

  /** Waits before the next attempt. */
  async pause(reason: string): Promise<void> {
    const { clock, stop, tellPause } = this.#parts;
    this.#attempts += 1;
    const delayMs = 1000 * 2 ** Math.min(this.#attempts, maxDoublings);
    tellPause(reason, `${delayMs / 1000}s`);
    stop?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stopTimer = clock.after(delayMs, resolve);
    const onAbort = () => reject(stop?.reason);
    stop?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      stopTimer();
      stop?.removeEventListener('abort', onAbort);
    }
  }
}
