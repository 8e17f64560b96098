import type { Limits } from './limits.ts';
import { PingPolicy } from './ping-policy.ts';
import { TokenBucket } from './token-bucket.ts';

/** Counts what a peer may do now and then, but not all the time. */
export class FloodGuard {
  readonly #resets: TokenBucket;
  readonly #idleFrames: TokenBucket;
  readonly #pings: PingPolicy;

  constructor(limits: Limits, nowMs: number) {
    this.#resets = new TokenBucket(limits.resetBurst, limits.resetsPerSecond, nowMs);
    this.#idleFrames = new TokenBucket(limits.idleFrameBurst, limits.idleFramesPerSecond, nowMs);
    this.#pings = new PingPolicy(limits);
  }

  /** A stream was reset, by the peer or because of it. False: too often. */
  allowsReset(nowMs: number): boolean {
    return this.#resets.take(nowMs);
  }

  /** A frame came that carries nothing, with the work of `count` such frames. False: too often. */
  allowsIdleFrame(nowMs: number, count: number): boolean {
    return this.#idleFrames.take(nowMs, count);
  }

  /**
   * A PING came; `sentCount` grows with every header block and byte we send. A server's `activeStreams`
   * decide how often PINGs are welcome; undefined in a client, which has no policy. False: too often.
   */
  allowsPing(nowMs: number, activeStreams: number | undefined, sentCount: number): boolean {
    if (this.#pings.isForgiven(nowMs, sentCount)) return true;
    if (!this.#idleFrames.take(nowMs)) return false;
    return activeStreams === undefined || this.#pings.allows(nowMs, activeStreams);
  }
}
