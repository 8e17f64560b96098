import type { Buffer } from 'node:buffer';
import type { Client } from '../client.ts';
import type { Calls } from './calls.ts';
import { ComparatorBuilder, type comparator, type compareTarget } from './comparator-builder.ts';
import { DeleteBuilder } from './delete-builder.ts';
import { Election } from './election.ts';
import { RemoteKV } from './kv.ts';
import { type ILeaseOptions, Lease } from './lease.ts';
import { Lock } from './lock.ts';
import { PutBuilder } from './put-builder.ts';
import { type KeyPrefix, type Rangable, Range } from './range.ts';
import { MultiRangeBuilder, SingleRangeBuilder } from './range-builders.ts';
import { type ISTMOptions, SoftwareTransaction } from './stm.ts';
import { WatchBuilder } from './watch-builder.ts';

/** The keys below a prefix, without it. Made by `namespace`. */
export class Namespace {
  /** @internal */
  protected readonly calls: Calls;
  readonly #prefix: KeyPrefix;
  readonly #kv: RemoteKV;

  /** @internal */
  constructor(calls: Calls, prefix: KeyPrefix) {
    this.calls = calls;
    this.#prefix = prefix;
    this.#kv = new RemoteKV(calls);
  }

  /** What the keys begin with. */
  get prefix(): Buffer {
    return this.#prefix.bytes;
  }

  /** The client of `@kvorum/client` below this one, with the same namespace and connections: the way to its own API. */
  get native(): Client {
    const { native } = this.calls;
    return this.prefix.length === 0 ? native : native.namespace(this.prefix);
  }

  /** Reads one key. */
  get(key: string | Buffer): SingleRangeBuilder {
    return new SingleRangeBuilder(this.#kv, this.#prefix, key);
  }

  /** Reads several keys. */
  getAll(): MultiRangeBuilder {
    return new MultiRangeBuilder(this.#kv, this.#prefix);
  }

  /** Writes one key. */
  put(key: string | Buffer): PutBuilder {
    return new PutBuilder(this.#kv, this.#prefix, key);
  }

  /** Deletes keys. */
  delete(): DeleteBuilder {
    return new DeleteBuilder(this.#kv, this.#prefix);
  }

  /** Grants a lease of so many seconds and keeps it alive. Throws `RangeError` below one second. */
  lease(ttl: number, options?: ILeaseOptions): Lease {
    return new Lease(this.calls, this.#prefix, ttl, options);
  }

  /** A lock, by its key. */
  lock(key: string | Buffer): Lock {
    return new Lock(this.calls, this.#prefix, key);
  }

  /** A software transaction. */
  stm(options: Partial<ISTMOptions> = {}): SoftwareTransaction {
    return new SoftwareTransaction(this.#kv, this.#prefix, options);
  }

  /** A transaction, by its first condition. Throws for columns and signs that there are not. */
  if(
    key: string | Buffer,
    column: keyof typeof compareTarget,
    cmp: keyof typeof comparator,
    value: string | Buffer | number,
  ): ComparatorBuilder {
    return new ComparatorBuilder(this.#kv, this.#prefix).and(key, column, cmp, value);
  }

  /** Watches keys. */
  watch(): WatchBuilder {
    return new WatchBuilder(this.calls, this.#prefix);
  }

  /** The range that something stands for. */
  range(r: Rangable): Range {
    return Range.from(r);
  }

  /** The keys below one more prefix. */
  namespace(prefix: string | Buffer): Namespace {
    return new Namespace(this.calls, this.#prefix.below(prefix));
  }

  /** An election, by its name. `ttl` is how long a leader outlives its process, in seconds; default 60. */
  election(name: string, ttl?: number): Election {
    return new Election(this, name, ttl);
  }
}
