import type { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Lease as NativeLease } from '../lease/lease.ts';
import type { CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import { castError } from './error-cast.ts';
import { ClientClosedError, type EtcdError, EtcdLeaseInvalidError } from './errors.ts';
import { type KV, RemoteKV } from './kv.ts';
import type { ILeaseKeepAliveResponse } from './messages.ts';
import { PutBuilder } from './put-builder.ts';
import type { KeyPrefix } from './range.ts';
import { keepAliveResponse } from './responses.ts';

/** How a lease stands, as far as this process knows. */
export const LeaseState = { Pending: 0, Alive: 1, Revoked: 2 } as const;

/** How a lease stands, as far as this process knows. */
export type LeaseState = (typeof LeaseState)[keyof typeof LeaseState];

/** How a lease is granted. */
export interface ILeaseOptions extends CallOptions {
  /** Whether it is kept alive by itself. Default true. */
  autoKeepAlive?: boolean;
}

/** A lease that is kept alive until it is revoked, released or lost. It is asked for at once. */
export class Lease extends EventEmitter<{ lost: [error: EtcdError] }> {
  readonly #calls: Calls;
  readonly #prefix: KeyPrefix;
  readonly #ttl: number;
  readonly #granted: Promise<bigint>;
  readonly #lost = new AbortController();
  #state: LeaseState = LeaseState.Pending;
  #native: NativeLease | undefined = undefined;

  /** @internal */
  constructor(calls: Calls, prefix: KeyPrefix, ttl: number, options: ILeaseOptions = {}) {
    super();
    if (!ttl || ttl < 1) {
      throw new RangeError(`The TTL in an etcd lease must be at least 1 second. Got: ${ttl}`);
    }
    this.#calls = calls;
    this.#prefix = prefix;
    this.#ttl = Math.ceil(ttl);
    this.#granted = this.#grant(options);
    this.#granted.catch((error: unknown) => this.#lose(error));
  }

  /** How it stands. */
  get state(): LeaseState {
    return this.#state;
  }

  /** Fires when nobody may count on the lease any more: before the server can have expired it, if it is kept alive. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves with its id once it is granted. It need not be waited for before `put`. */
  async grant(): Promise<string> {
    return String(await this.#granted);
  }

  /** Ends it, and deletes the keys that are attached to it. */
  async revoke(options?: CallOptions): Promise<void> {
    this.#giveUp(new Error('the lease was revoked'));
    let id: bigint;
    try {
      id = await this.#granted;
    } catch {
      return;
    }
    const { lease } = this.#calls.native.rpc;
    const context = { service: 'Lease', method: 'leaseRevoke', isStream: false };
    try {
      await this.#calls.call(context, options, (native) => lease.leaseRevoke({ ID: id }, native));
    } catch (error) {
      if (!(error instanceof EtcdLeaseInvalidError)) throw error;
    }
  }

  /** Keeps it alive no longer, and leaves it to run out. */
  release(): void {
    this.#giveUp(new Error('the lease was released'));
  }

  /** Writes a key that goes away with the lease. */
  put(key: string | Buffer): PutBuilder {
    const kv = new KVOfLease(new RemoteKV(this.#calls), (error) => this.#lose(error));
    return new PutBuilder(kv, this.#prefix, key).lease(this.grant());
  }

  /** Renews it now. Rejects with `EtcdLeaseInvalidError` when it is gone. */
  async keepaliveOnce(options?: CallOptions): Promise<ILeaseKeepAliveResponse> {
    const ID = await this.#granted;
    const { lease } = this.#calls.native.rpc;
    const context = { service: 'Lease', method: 'leaseKeepAlive', isStream: true };
    const response = await this.#calls.call(context, options, async (native) => {
      const stream = lease.leaseKeepAlive(native);
      stream.send({ ID });
      for await (const answer of stream) return keepAliveResponse(answer);
      return undefined;
    });
    if (response !== undefined && response.TTL !== '0') return response;
    const error = new EtcdLeaseInvalidError(String(ID));
    this.#lose(error);
    throw error;
  }

  /** Whether it is known to be gone, or was given up. */
  revoked(): boolean {
    return this.#state === LeaseState.Revoked;
  }

  async #grant({ autoKeepAlive = true, ...options }: ILeaseOptions): Promise<bigint> {
    const { rpc, leases } = this.#calls.native;
    const params = { TTL: this.#ttl };
    const context = { service: 'Lease', method: 'leaseGrant', isStream: false, params };
    const id = await this.#calls.call(context, options, async (native) => {
      if (!autoKeepAlive) {
        return (await rpc.lease.leaseGrant({ TTL: BigInt(this.#ttl) }, native)).ID;
      }
      this.#native = await leases.grant(this.#ttl, native);
      return this.#native.id;
    });
    if (this.#state === LeaseState.Revoked) this.#native?.release();
    else this.#watchOver();
    return id;
  }

  #watchOver(): void {
    this.#state = LeaseState.Alive;
    const signal = this.#native?.signal;
    signal?.addEventListener('abort', () => this.#lose(castError(signal.reason, 'Lease')));
  }

  #giveUp(reason: unknown): void {
    this.#state = LeaseState.Revoked;
    this.#native?.release();
    this.#lost.abort(reason);
  }

  #lose(error: unknown): void {
    if (this.#state === LeaseState.Revoked) return;
    this.#giveUp(error);
    // Closing the client is no loss that anybody waits for.
    if (!(error instanceof ClientClosedError)) this.emit('lost', error as EtcdError);
  }
}

/** Writes that find out that the lease is gone. */
class KVOfLease implements KV {
  readonly #kv: KV;
  readonly #onGone: (error: EtcdLeaseInvalidError) => void;

  constructor(kv: KV, onGone: (error: EtcdLeaseInvalidError) => void) {
    this.#kv = kv;
    this.#onGone = onGone;
  }

  range(...args: Parameters<KV['range']>): ReturnType<KV['range']> {
    return this.#kv.range(...args);
  }

  deleteRange(...args: Parameters<KV['deleteRange']>): ReturnType<KV['deleteRange']> {
    return this.#kv.deleteRange(...args);
  }

  async put(...args: Parameters<KV['put']>): ReturnType<KV['put']> {
    try {
      return await this.#kv.put(...args);
    } catch (error) {
      if (error instanceof EtcdLeaseInvalidError) this.#onGone(error);
      throw error;
    }
  }
}
