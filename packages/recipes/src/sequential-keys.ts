import {
  type Bytes,
  type Client,
  compare,
  type KeyValue,
  type LeaseLike,
  op,
} from '@kvorum/client';
import { RecipeError } from './errors.ts';
import type { WaitOptions } from './session.ts';

/** How a sequential key is created. */
export interface SequentialKeyOptions extends WaitOptions {
  /** The lease that the key goes away with. Default: none. */
  readonly lease?: LeaseLike;
}

/** A key that was created in order. */
export interface SequentialKey {
  /** The prefix, `/` and the number in 16 digits: the order of keys is that of numbers. */
  readonly key: string;
  /** One more than that of the key before it, which may be gone. From 1. */
  readonly number: number;
  /** The revision that created it. */
  readonly revision: bigint;
}

const digits = 16;

/**
 * Keys below a prefix that are numbered in the order of their creation, without gaps, and without a number being given
 * twice. Many creators at once hold each other up: one succeeds, the others try again. The last number is kept in the
 * key `__PREFIX`, which etcd's recipes write as well; where they do, numbers go on from the last key that there is.
 */
export class SequentialKeys {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #base: string;

  /** `prefix` is without the last `/`, which is added. */
  constructor(client: Client, prefix: string) {
    this.#client = client;
    this.#prefix = `${prefix}/`;
    this.#base = `__${prefix}`;
  }

  /**
   * Creates the next key. Rejects with `RecipeError` "aborted", and with `ClientError`: where `mayHaveApplied` is set, the
   * key may be there.
   */
  async create(value: Bytes, options: SequentialKeyOptions = {}): Promise<SequentialKey> {
    const { lease, signal } = options;
    const last = op.range(
      { prefix: this.#prefix },
      { order: 'descending', limit: 1, keysOnly: true },
    );
    const look = [op.get(this.#base), last] as const;
    const seen = await this.#client
      .txn()
      .then(...look)
      .commit(signal === undefined ? {} : { signal });
    if (!seen.succeeded) throw new Error('a transaction without conditions has failed');
    let [base, { entries }] = seen.results;
    for (;;) {
      if (signal?.aborted === true) {
        throw new RecipeError('aborted', `a key in ${this.#prefix} was aborted`, signal.reason);
      }
      const number = Math.max(numberOf(base), this.#numberOfKey(entries[0])) + 1;
      const key = this.#prefix + String(number).padStart(digits, '0');
      const put = op.put(key, value, lease === undefined ? {} : { lease });
      const result = await this.#client
        .txn()
        .if(compare.modRevision(this.#base, '=', base?.modRevision ?? 0n), compare.missing(key))
        .then(op.put(this.#base, String(number)), put)
        .else(...look)
        .commit();
      if (result.succeeded) return { key, number, revision: result.revision };
      [base, { entries }] = result.results;
    }
  }

  #numberOfKey(entry: KeyValue | undefined): number {
    return entry === undefined ? 0 : toNumber(entry.keyString().slice(this.#prefix.length));
  }
}

/** Empty where etcd's recipes wrote it. */
function numberOf(base: KeyValue | undefined): number {
  return base === undefined ? 0 : toNumber(base.string());
}

/** 0 for what is no number: other keys may lie there. */
function toNumber(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : 0;
}
