import { type Client, ClientError } from '@kvorum/client';
import type { SessionLease } from './session.ts';

/** A lease that somebody else keeps alive: it is lost when it is given up here, and never by the clock. */
export class BorrowedLease implements SessionLease {
  readonly id: bigint;
  /** What it is taken for. */
  readonly ttlSeconds: number;
  readonly #client: Client;
  readonly #lost = new AbortController();

  constructor(client: Client, id: bigint, ttlSeconds: number) {
    this.#client = client;
    this.id = id;
    this.ttlSeconds = ttlSeconds;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  throwIfLost(): void {
    this.#lost.signal.throwIfAborted();
  }

  /** Ends it for all who use it. Rejects with `ClientError`; one that is gone is no error. */
  async revoke(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.release();
    try {
      await this.#client.leases.revoke(this.id);
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'leaseNotFound')) throw error;
    }
  }

  release(): void {
    const message = `lease ${this.id.toString(16)} is used here no longer`;
    this.#lost.abort(new ClientError({ code: 'leaseReleased', message }));
  }

  /** It is not this one's to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
