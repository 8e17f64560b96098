/** How long an endpoint that failed is asked last, in ms: after the first failure, and at most. */
const firstBackoffMs = 1000;
const longestBackoffMs = 30_000;
/**
 * How long an endpoint that was silent gets no writes while there are others, in ms: a read finds out sooner whether
 * it is there, and can be sent elsewhere; keep-alive has found out by then.
 */
const silenceMs = 30_000;

/** What lately became of calls to one endpoint, which decides when it is asked. Times are by the client's timers. */
export class EndpointHealth {
  #failures = 0;
  #retryAtMs = 0;
  #writesAtMs = 0;

  worked(): void {
    this.#failures = 0;
  }

  failed(nowMs: number): void {
    // Calls that were under way together fail together; that is one failure.
    if (this.isDown(nowMs)) return;
    const backoffMs = Math.min(firstBackoffMs * 2 ** this.#failures, longestBackoffMs);
    this.#failures += 1;
    this.#retryAtMs = nowMs + backoffMs;
  }

  /** It has left a call without an answer. */
  silent(nowMs: number): void {
    this.failed(nowMs);
    this.#writesAtMs = nowMs + silenceMs;
  }

  /** To be asked last. */
  isDown(nowMs: number, isWrite = false): boolean {
    if (this.#failures === 0) return false;
    return nowMs < this.#retryAtMs || (isWrite && nowMs < this.#writesAtMs);
  }

  /** Its backoff is over: one call shall find out whether it is there again, and others not wait for that. */
  get isOnTrial(): boolean {
    return this.#failures > 0;
  }
}
