import type { CallOptions } from '../call-options.ts';
import { plainBytes } from '../encoding.ts';
import { ClientError } from '../errors.ts';
import type { RpcClient } from '../rpc-client.ts';
import type { Timers } from '../timers.ts';
import { KeptLease } from './kept-lease.ts';
import { Lease } from './lease.ts';
import { LeaseKeeper } from './lease-keeper.ts';

/** How a lease is granted. */
export interface LeaseOptions {
  /** The id to have; "leaseExist" when another has it. Default: the server chooses. */
  readonly id?: bigint;
}

/** How a lease stands at the server. */
export interface LeaseStatus {
  /** What is left, in whole seconds. */
  readonly ttlSeconds: number;
  /** What it has after each renewal, in seconds. */
  readonly grantedTtlSeconds: number;
  /** With `keys`: those that are attached to it, by their whole names. */
  readonly keys: readonly Uint8Array[];
}

/** Leases by their ids, which know no namespaces. Those that were granted here are kept alive over one stream. */
export class Leases implements AsyncDisposable {
  readonly #rpc: RpcClient;
  readonly #timers: Timers;
  readonly #keeper: LeaseKeeper;
  readonly #held = new Set<Lease>();

  /** For `connect` and its kin. */
  constructor(rpc: RpcClient, timers: Timers) {
    this.#rpc = rpc;
    this.#timers = timers;
    // A member without a leader can renew nothing: its streams shall end.
    const open = () => rpc.lease.leaseKeepAlive({ requireLeader: true });
    this.#keeper = new LeaseKeeper(open, timers);
  }

  /**
   * Grants a lease and keeps it alive. `ttlSeconds` is a whole number; the server may give more. Rejects with
   * `ClientError`: "leaseExist", "leaseTtlTooLarge", "leaseExpired" when the answer took longer than the lease lives.
   */
  async grant(ttlSeconds: number, options: LeaseOptions & CallOptions = {}): Promise<Lease> {
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1) {
      const message = `a lease lives for whole seconds, one at least, not ${ttlSeconds}`;
      throw new ClientError({ code: 'configuration', message });
    }
    const sentAt = this.#timers.now();
    const request = { TTL: BigInt(ttlSeconds), ID: options.id ?? 0n };
    const { ID, TTL } = await this.#rpc.lease.leaseGrant(request, options);
    const kept = new KeptLease(ID);
    kept.renewed(sentAt, Number(TTL));
    return this.#keep(kept, Number(TTL));
  }

  /**
   * Keeps a lease alive that was granted elsewhere. Rejects with `ClientError` "leaseNotFound" when it is gone,
   * "leaseExist" when this client keeps it alive already.
   */
  async adopt(id: bigint, options: CallOptions = {}): Promise<Lease> {
    if (this.#keeper.find(id) !== undefined) {
      const message = `lease ${id.toString(16)} is kept alive by this client already`;
      throw new ClientError({ code: 'leaseExist', message });
    }
    const sentAt = this.#timers.now();
    const { ttlSeconds, grantedTtlSeconds } = await this.timeToLive(id, options);
    const kept = new KeptLease(id);
    kept.renewed(sentAt, ttlSeconds, grantedTtlSeconds);
    return this.#keep(kept, grantedTtlSeconds);
  }

  /** How a lease stands. Rejects with `ClientError` "leaseNotFound" when it is gone. */
  async timeToLive(
    id: bigint,
    options: CallOptions & { readonly keys?: boolean } = {},
  ): Promise<LeaseStatus> {
    const request = { ID: id, keys: options.keys ?? false };
    const { TTL, grantedTTL, keys } = await this.#rpc.lease.leaseTimeToLive(request, options);
    if (TTL <= 0n && grantedTTL <= 0n) {
      const message = `there is no lease ${id.toString(16)}`;
      throw new ClientError({ code: 'leaseNotFound', message });
    }
    return {
      ttlSeconds: Number(TTL),
      grantedTtlSeconds: Number(grantedTTL),
      keys: keys.map(plainBytes),
    };
  }

  /** Ends a lease, and deletes the keys that are attached to it. Rejects with `ClientError` "leaseNotFound". */
  async revoke(id: bigint, options: CallOptions = {}): Promise<void> {
    await this.#rpc.lease.leaseRevoke({ ID: id }, options);
  }

  /** The ids of all leases there are. */
  async list(options: CallOptions = {}): Promise<readonly bigint[]> {
    const { leases } = await this.#rpc.lease.leaseLeases({}, options);
    return leases.map(({ ID }) => ID);
  }

  /** Renews nothing any more; all signals fire. */
  close(): void {
    this.#keeper.close();
    this.#held.clear();
  }

  /** Revokes all leases that are held. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#held].map((lease) => lease[Symbol.asyncDispose]()));
  }

  async #keep(kept: KeptLease, ttlSeconds: number): Promise<Lease> {
    const parts = { rpc: this.#rpc, keeper: this.#keeper, timers: this.#timers, kept, ttlSeconds };
    const lease = new Lease(parts);
    this.#held.add(lease);
    kept.signal.addEventListener('abort', () => this.#held.delete(lease), { once: true });
    this.#keeper.add(kept);
    kept.signal.throwIfAborted();
    return lease;
  }
}
