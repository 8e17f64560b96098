import type { Buffer } from 'node:buffer';
import type { WatchOptions } from '../watch/watch.ts';
import type { Calls } from './calls.ts';
import { emptyKey } from './encoding.ts';
import { type KeyPrefix, type Rangable, Range } from './range.ts';
import { Watcher } from './watcher.ts';

/** Which changes are watched. */
export type WatchedOperation = 'put' | 'delete';

/** A watch: `client.watch().prefix('a/').create()`. */
export class WatchBuilder {
  readonly #calls: Calls;
  readonly #prefix: KeyPrefix;
  #range = new Range(emptyKey);
  #options: WatchOptions = {};

  /** @internal */
  constructor(calls: Calls, prefix: KeyPrefix) {
    this.#calls = calls;
    this.#prefix = prefix;
  }

  /** One key. */
  key(key: string | Buffer): this {
    return this.inRange(key);
  }

  /** All keys that begin so. */
  prefix(value: string | Buffer): this {
    return this.inRange(Range.prefix(value));
  }

  /** The keys of a range. */
  inRange(r: Rangable): this {
    this.#range = Range.from(r);
    return this;
  }

  /** Changes of these kinds alone. */
  only(...operations: WatchedOperation[]): this {
    const { only: _former, ...rest } = this.#options;
    const [first, second] = operations;
    const isBoth = second !== undefined && second !== first;
    this.#options = first === undefined || isBoth ? rest : { ...rest, only: first };
    return this;
  }

  /** @deprecated It is the same as `only`, as in npm's etcd3. */
  ignore(...operations: WatchedOperation[]): this {
    return this.only(...operations);
  }

  /** Events have what was there before. */
  withPreviousKV(): this {
    this.#options = { ...this.#options, previous: true };
    return this;
  }

  /** The first revision whose events are wanted. Throws `SyntaxError` for what is no number. */
  startRevision(revision: string | number): this {
    this.#options = { ...this.#options, startRevision: BigInt(revision) };
    return this;
  }

  /** Begins it without waiting for the server. */
  watcher(): Watcher {
    return new Watcher(this.#calls, this.#prefix, this.#range, this.#options);
  }

  /** Begins it; resolves when the server has it, rejects when it is refused. */
  create(): Promise<Watcher> {
    const watcher = this.watcher();
    return new Promise((resolve, reject) => {
      watcher.once('connected', () => {
        watcher.off('error', reject);
        resolve(watcher);
      });
      watcher.once('error', reject);
    });
  }
}
