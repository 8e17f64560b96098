import type { Buffer } from 'node:buffer';
import type { CallOptions } from './call-options.ts';
import { DeleteBuilder } from './delete-builder.ts';
import { toBuffer } from './encoding.ts';
import { STMConflictError } from './errors.ts';
import type { RemoteKV } from './kv.ts';
import { PutBuilder } from './put-builder.ts';
import type { KeyPrefix } from './range.ts';
import { SingleRangeBuilder } from './range-builders.ts';
import { Isolation, StmAttempt } from './stm-attempt.ts';

/** How a software transaction is run. */
export interface ISTMOptions {
  /** How often it is run again after conflicts. Default 3. */
  retries: number;
  /** Keys that are read before anybody asks for them, since they will be. */
  prefetch: string[];
  /** Default `SerializableSnapshot`. */
  isolation: Isolation;
  /** Options of the call that commits. */
  callOptions?: CallOptions;
}

/** Reads and writes that are done at one moment, or again: `client.stm().transact(async (tx) => …)`. */
export class SoftwareTransaction {
  readonly #kv: RemoteKV;
  readonly #prefix: KeyPrefix;
  readonly #options: ISTMOptions;
  readonly #attempt: StmAttempt | undefined;

  /** @internal */
  constructor(
    kv: RemoteKV,
    prefix: KeyPrefix,
    options: Partial<ISTMOptions>,
    attempt?: StmAttempt,
  ) {
    this.#kv = kv;
    this.#prefix = prefix;
    this.#options = {
      retries: 3,
      prefetch: [],
      isolation: Isolation.SerializableSnapshot,
      ...options,
    };
    this.#attempt = attempt;
  }

  /**
   * Calls the function, which reads and writes by what it is given, and commits; again after a conflict. Rejects with
   * `STMConflictError` when that happens too often, and with what the function throws.
   */
  async transact<T>(fn: (tx: SoftwareTransaction) => T | PromiseLike<T>): Promise<T> {
    const { retries, prefetch, isolation, callOptions } = this.#options;
    for (let conflicts = 0; conflicts <= retries; conflicts++) {
      const attempt = new StmAttempt(this.#kv, isolation);
      const tx = new SoftwareTransaction(this.#kv, this.#prefix, this.#options, attempt);
      for (const key of prefetch) {
        const whole = this.#prefix.key(toBuffer(key));
        attempt.range({ key: whole }).catch(() => undefined);
      }
      const value = await fn(tx);
      if (await attempt.commit(callOptions)) return value;
    }
    throw new STMConflictError();
  }

  /** Reads one key, in a transaction. */
  get(key: string): SingleRangeBuilder {
    return new SingleRangeBuilder(this.#current, this.#prefix, key);
  }

  /** Writes one key, in a transaction. */
  put(key: string | Buffer): PutBuilder {
    return new PutBuilder(this.#current, this.#prefix, key);
  }

  /** Deletes keys, in a transaction. */
  delete(): DeleteBuilder {
    return new DeleteBuilder(this.#current, this.#prefix);
  }

  get #current(): StmAttempt {
    if (this.#attempt !== undefined) return this.#attempt;
    throw new Error(
      'reads and writes are those of the object that transact() calls its function with',
    );
  }
}
