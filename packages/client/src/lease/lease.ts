import type { CallOptions } from '../call-options.ts';
import { ClientError } from '../errors.ts';
import type { RpcClient } from '../rpc-client.ts';
import type { Timers } from '../timers.ts';
import type { KeptLease } from './kept-lease.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

/** What a lease's handle works with. */
export interface LeaseParts {
  readonly rpc: RpcClient;
  readonly keeper: LeaseKeeper;
  readonly timers: Timers;
  readonly kept: KeptLease;
  readonly ttlSeconds: number;
}

/** A lease that is kept alive until it is revoked, released or lost. Leaving its `await using` revokes it. */
export class Lease implements AsyncDisposable {
  readonly id: bigint;
  /** What the server granted, in seconds: it may be more than was asked for. */
  readonly ttlSeconds: number;
  readonly #parts: LeaseParts;

  /** For `Leases`. */
  constructor(parts: LeaseParts) {
    this.id = parts.kept.id;
    this.ttlSeconds = parts.ttlSeconds;
    this.#parts = parts;
  }

  /**
   * Fires when nobody may count on the lease any more, always before the server can have expired it for want of
   * renewals. Its reason is a `ClientError`: "leaseExpired" when it could not be renewed in time, "leaseNotFound"
   * when the server has it no more, "leaseRevoked" and "leaseReleased" when this handle has given it up, "closed".
   *
   * It fires by the clock of this process: one that is held still, or a machine that sleeps, learns of the loss when
   * it goes on. What must not happen then needs a condition in a transaction.
   */
  get signal(): AbortSignal {
    return this.#parts.kept.signal;
  }

  /** For how long it certainly lives, in ms; 0 once it is given up or may be lost. */
  get remainingMs(): number {
    const { kept, timers } = this.#parts;
    return kept.signal.aborted ? 0 : Math.max(0, kept.loseAt - timers.now());
  }

  /** Throws the signal's reason, a `ClientError`, unless the lease can be counted on at this moment. */
  throwIfLost(): void {
    const { kept, timers, keeper } = this.#parts;
    // The timer may be late, after a computation that took long.
    if (!kept.signal.aborted && kept.maybeExpire(timers.now())) keeper.remove(kept);
    kept.signal.throwIfAborted();
  }

  /**
   * Ends it, and deletes the keys that are attached to it. The signal fires at once. Rejects with `ClientError` when
   * the server could not be told; then the lease runs out by itself. Does nothing when it is gone already.
   */
  async revoke(options: CallOptions = {}): Promise<void> {
    const { rpc, kept } = this.#parts;
    if (kept.signal.aborted && !this.#isGivenUp) return;
    this.#giveUp('leaseRevoked', 'was revoked');
    try {
      await rpc.lease.leaseRevoke({ ID: this.id }, options);
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'leaseNotFound')) throw error;
    }
  }

  /** Keeps it alive no longer, and leaves it to run out. The signal fires at once. */
  release(): void {
    this.#giveUp('leaseReleased', 'is kept alive no longer');
  }

  /** Revokes it. A server that cannot be told in the time that the lease has left is no error: it ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timeoutMs = Math.ceil(this.remainingMs);
    if (timeoutMs === 0) return;
    try {
      await this.revoke({ timeoutMs });
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
  }

  get #isGivenUp(): boolean {
    const { reason } = this.#parts.kept.signal;
    return reason instanceof ClientError && reason.code === 'leaseReleased';
  }

  #giveUp(code: 'leaseRevoked' | 'leaseReleased', what: string): void {
    const { keeper, kept } = this.#parts;
    keeper.remove(kept);
    kept.lose(new ClientError({ code, message: `lease ${this.id.toString(16)} ${what}` }));
  }
}
