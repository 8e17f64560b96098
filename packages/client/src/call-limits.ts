import { grpcStatus } from '@kvorum/api';
import type { CallOptions } from './call-options.ts';
import type { CallFailure } from './channel.ts';
import type { Timers } from './timers.ts';

/** How long a call may take in all, and who may call it off. */
export class CallLimits {
  /** Milliseconds that the caller gave it; 0: any. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #timers: Timers;
  /** By the clock of the client's timers; infinite: never. */
  readonly #deadline: number;

  /** `defaultMs` is for calls that say nothing. */
  constructor(timers: Timers, { timeoutMs, signal }: CallOptions, defaultMs: number) {
    this.timeoutMs = timeoutMs ?? defaultMs;
    this.signal = signal;
    this.#timers = timers;
    this.#deadline =
      this.timeoutMs === 0 ? Number.POSITIVE_INFINITY : timers.now() + this.timeoutMs;
  }

  get remainingMs(): number {
    return this.#deadline - this.#timers.now();
  }

  /** What a channel is told of it; undefined: any time. */
  get channelTimeoutMs(): number | undefined {
    const { remainingMs } = this;
    return Number.isFinite(remainingMs) ? Math.max(1, remainingMs) : undefined;
  }

  /** Whether nothing more may be tried, after this failure if there was one. */
  isOver(failure?: CallFailure): boolean {
    if (this.signal?.aborted === true || this.remainingMs <= 0) return true;
    // The channel's clock may say so a moment before ours.
    return failure?.status === grpcStatus.deadlineExceeded && Number.isFinite(this.#deadline);
  }
}
