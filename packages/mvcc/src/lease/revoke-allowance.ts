/**
 * Allows so many revokes per second, as each is a replicated write: etcd's rate, in portions of half a second
 * (`etcd: server/lease/lessor.go`, leaseRevokeRate).
 */
export class RevokeAllowance {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, Math.floor(perSecond / 2));
    this.#left = this.#burst;
    this.#atMs = nowMs;
  }

  /** Takes up to `wanted` and returns how many there were. */
  take(wanted: number, nowMs: number): number {
    const earned = ((nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + earned);
    this.#atMs = nowMs;
    const taken = Math.min(wanted, Math.floor(this.#left));
    this.#left -= taken;
    return taken;
  }
}
