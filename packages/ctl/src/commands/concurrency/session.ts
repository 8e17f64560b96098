import type { RpcClient } from '@kvorum/client';
import type { Host } from '../../host.ts';
import { renewals } from '../lease/keep-alive.ts';

/** A lease that is kept alive as long as this process lives; what is attached to it goes with it. */
export class Session implements AsyncDisposable {
  readonly leaseId: bigint;
  readonly #client: RpcClient;
  readonly #stopped = new AbortController();
  readonly #expired = new AbortController();

  static async open(client: RpcClient, host: Host, ttlSeconds: bigint): Promise<Session> {
    const { ID } = await client.lease.leaseGrant({ TTL: ttlSeconds });
    return new Session(client, host, ID);
  }

  private constructor(client: RpcClient, host: Host, leaseId: bigint) {
    this.leaseId = leaseId;
    this.#client = client;
    void this.#renew(host);
  }

  /** Fires when the lease is gone, though nobody ended the session. */
  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  /** Gives the lease back, and with it all keys attached to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    // A lease that is gone already, or a server that is, ends what it held all the same.
    await this.#client.lease.leaseRevoke({ ID: this.leaseId }).catch(() => {});
  }

  async #renew(host: Host): Promise<void> {
    const { signal } = this.#stopped;
    const every = renewals(this.#client, this.leaseId, host, signal)[Symbol.asyncIterator]();
    while ((await every.next()).done !== true);
    if (!signal.aborted) this.#expired.abort();
  }
}
