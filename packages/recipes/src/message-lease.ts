import type { Client, Timers } from '@kvorum/client';

/** Part of the time that messages are kept for which one lease takes messages. */
const slotShare = 1 / 4;

/** A lease for what shall go after some time; another one is used every now and then, and none is kept alive. */
export class MessageLease {
  readonly #client: Client;
  readonly #timers: Timers;
  readonly #ttlSeconds: number;
  readonly #slotSeconds: number;
  #current: Promise<bigint> | undefined = undefined;
  #usableUntil = 0;

  constructor(client: Client, ttlSeconds: number, timers: Timers) {
    this.#client = client;
    this.#timers = timers;
    this.#ttlSeconds = ttlSeconds;
    this.#slotSeconds = Math.ceil(ttlSeconds * slotShare);
  }

  /** One that lives long enough. Rejects with `ClientError`. */
  async id(): Promise<bigint> {
    const now = this.#timers.now();
    if (this.#current === undefined || now >= this.#usableUntil) {
      this.#usableUntil = now + this.#slotSeconds * 1000;
      this.#current = this.#grant();
    }
    const current = this.#current;
    try {
      return await current;
    } catch (error) {
      if (this.#current === current) this.#current = undefined;
      throw error;
    }
  }

  /** There is no such lease any more. */
  forget(id: bigint): void {
    const current = this.#current;
    current?.then(
      (known) => {
        if (known === id && this.#current === current) this.#current = undefined;
      },
      () => {},
    );
    this.#usableUntil = Number.NEGATIVE_INFINITY;
  }

  async #grant(): Promise<bigint> {
    const TTL = BigInt(this.#ttlSeconds + this.#slotSeconds);
    const { ID } = await this.#client.rpc.lease.leaseGrant({ TTL });
    return ID;
  }
}
