import type { Limits } from './limits.ts';

/** PINGs without streams are expected this seldom, in ms: what TCP's own keep-alive does. */
const idleIntervalMs = 2 * 3600 * 1000;
const maxStrikes = 2;

/**
 * Which PINGs of a client are too many. Each that comes too early after the last is a strike; anything we
 * send in between forgives them, since a client that gets data may well measure the line. The rules are
 * those of gRPC's keep-alive, so its clients know them.
 */
export class PingPolicy {
  readonly #minIntervalMs: number;
  readonly #welcomeWhenIdle: boolean;
  #lastMs = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  #sentSeen = 0;

  constructor(limits: Limits) {
    this.#minIntervalMs = limits.pingMinIntervalMs;
    this.#welcomeWhenIdle = limits.pingWithoutStreams;
  }

  /**
   * Whether we have sent something since the last PING: then this one is free. `sentCount` grows with
   * every response. Clients of gRPC measure the line so all the time, thousands of times a second.
   */
  isForgiven(nowMs: number, sentCount: number): boolean {
    if (sentCount === this.#sentSeen) return false;
    this.#sentSeen = sentCount;
    this.#strikes = 0;
    this.#lastMs = nowMs;
    return true;
  }

  /** Notes a PING that is not forgiven; false when the client has to go. */
  allows(nowMs: number, activeStreams: number): boolean {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const isIdle = activeStreams === 0 && !this.#welcomeWhenIdle;
    if (passedMs < (isIdle ? idleIntervalMs : this.#minIntervalMs)) this.#strikes += 1;
    return this.#strikes <= maxStrikes;
  }
}
