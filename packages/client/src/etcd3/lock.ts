import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import { ComparatorBuilder } from './comparator-builder.ts';
import { EtcdLockFailedError } from './errors.ts';
import { RemoteKV } from './kv.ts';
import { Lease } from './lease.ts';
import { PutBuilder } from './put-builder.ts';
import type { KeyPrefix } from './range.ts';

/**
 * A lock that is had or not: nobody waits for it. It is a key with a lease, as that of npm's etcd3, and the two exclude
 * each other. `@kvorum/recipes` has locks that wait in line, and that go together with etcd's own.
 */
export class Lock {
  readonly #calls: Calls;
  readonly #prefix: KeyPrefix;
  readonly #key: string | Buffer;
  #ttlSeconds = 30;
  #lease: Lease | undefined = undefined;
  #options: CallOptions | undefined = undefined;

  /** @internal */
  constructor(calls: Calls, prefix: KeyPrefix, key: string | Buffer) {
    this.#calls = calls;
    this.#prefix = prefix;
    this.#key = key;
  }

  /** How long the lock outlives this process, in seconds. Default 30. Throws once it was acquired. */
  ttl(seconds: number): this {
    if (this.#lease !== undefined) {
      throw new Error('Cannot set a lock TTL after acquiring the lock');
    }
    this.#ttlSeconds = seconds;
    return this;
  }

  /** Options of its calls. */
  options(options: CallOptions): this {
    this.#options = options;
    return this;
  }

  /** Takes the lock. Rejects with `EtcdLockFailedError` when somebody has it. */
  async acquire(): Promise<this> {
    const lease = new Lease(this.#calls, this.#prefix, this.#ttlSeconds);
    this.#lease = lease;
    const kv = new RemoteKV(this.#calls);
    const put = new PutBuilder(kv, this.#prefix, this.#key).value('').lease(lease.grant());
    try {
      const { succeeded } = await new ComparatorBuilder(kv, this.#prefix)
        .and(this.#key, 'Create', '==', 0)
        .then(put)
        .options(this.#options)
        .commit();
      if (succeeded) return this;
    } catch (error) {
      // Whether it was taken is not known: it shall not be held by nobody.
      await lease.revoke(this.#options).catch(() => undefined);
      throw error;
    }
    await lease.revoke(this.#options).catch(() => undefined);
    throw new EtcdLockFailedError(`Failed to acquire a lock on ${this.#key}`);
  }

  /** The id of the lock's lease; null before it was acquired. */
  async leaseId(): Promise<string | null> {
    return this.#lease === undefined ? null : await this.#lease.grant();
  }

  /** Fires when nobody may count on the lock any more; undefined before it was acquired. */
  get signal(): AbortSignal | undefined {
    return this.#lease?.signal;
  }

  /** Gives it back. */
  release(): Promise<void> {
    if (this.#lease === undefined) {
      throw new Error('Attempted to release a lock which was not acquired');
    }
    return this.#lease.revoke(this.#options);
  }

  /** Takes the lock, calls the function, and gives it back. The signal fires when the lock may have been lost. */
  async do<T>(fn: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    await this.acquire();
    try {
      return await fn(this.signal ?? AbortSignal.abort());
    } finally {
      await this.release();
    }
  }
}
