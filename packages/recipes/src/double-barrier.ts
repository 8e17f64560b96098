import { ClientError, compare, op, type WatchEvent } from '@kvorum/client';
import { RecipeError } from './errors.ts';
import { evictedError, sweep } from './place.ts';
import type { Session, WaitOptions } from './session.ts';

/**
 * So many begin together, and end together: nobody gets through `enter` before all have come, and nobody through
 * `leave` before all have left or lost their sessions. After that it can be entered again. Its keys are not those of
 * etcd's recipe, which cannot be entered again: all who take part use this one.
 */
export class DoubleBarrier {
  readonly #session: Session;
  readonly #name: string;
  readonly #count: number;
  readonly #waiters: string;
  readonly #ready: string;
  /** Its own key while it is inside. */
  #key: string | undefined = undefined;

  /** Throws `RecipeError` "configuration" unless `count` is a whole number, 1 at least. All must agree on it. */
  constructor(session: Session, name: string, count: number) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RecipeError('configuration', `a double barrier is for 1 at least, not ${count}`);
    }
    this.#session = session;
    this.#name = name;
    this.#count = count;
    this.#waiters = `${name}/waiters/`;
    this.#ready = `${name}/ready`;
  }

  /**
   * Waits until all have come; for those of the last time to leave before that. Rejects with `RecipeError`: "barrierFull"
   * when more have come than it is for; "aborted", "sessionLost", "evicted". Rejects with `ClientError`.
   */
  async enter(options: WaitOptions = {}): Promise<void> {
    const session = this.#session;
    if (this.#key !== undefined) {
      throw new RecipeError('configuration', `${this.#name} was entered already`);
    }
    const key = this.#waiters + session.environment.uniqueName();
    await session.waiting(`entering ${this.#name}`, options.signal, async (signal) => {
      try {
        const revision = await this.#join(key, signal);
        await this.#untilReady(key, revision, signal);
        this.#key = key;
      } catch (error) {
        // Who stays behind would count as being there.
        await sweep(session, key);
        throw error;
      }
    });
  }

  /** Waits until all have left. Rejects with `RecipeError` "aborted" or "sessionLost", and with `ClientError`. */
  async leave(options: WaitOptions = {}): Promise<void> {
    const session = this.#session;
    const key = this.#key;
    if (key === undefined) {
      throw new RecipeError('configuration', `${this.#name} was not entered`);
    }
    await session.waiting(`leaving ${this.#name}`, options.signal, async (signal) => {
      this.#key = undefined;
      const { revision } = await session.persistently(() => this.#remove(key), signal);
      if (await this.#maybeEnd(signal)) return;
      await this.#watch(revision + 1n, signal, async ({ type, entry }) => {
        if (type !== 'delete') return false;
        return entry.keyString() === this.#ready || (await this.#maybeEnd(signal));
      });
    });
  }

  /** Comes in; the last one says that all are there. Gives the revision of that. */
  async #join(key: string, signal: AbortSignal): Promise<bigint> {
    const { client, lease, attemptMs: timeoutMs } = this.#session;
    const waiters = { prefix: this.#waiters };
    const count = op.range(waiters, { keysOnly: true });
    const enter = client
      .txn()
      .if(compare.missing(this.#ready), compare.missing(key))
      .then(op.put(key, '', { lease }), count)
      .else(op.get(key), count, op.get(this.#ready));
    for (;;) {
      const result = await this.#session.persistently(() => enter.commit({ timeoutMs }), signal);
      signal.throwIfAborted();
      const came = result.succeeded || result.results[0] !== undefined;
      if (came) {
        const present = result.results[1].entries.length;
        if (present > this.#count) {
          throw new RecipeError('barrierFull', `${this.#name} is for ${this.#count}`);
        }
        if (present === this.#count) {
          const ready = op.put(this.#ready, '');
          const all = client.txn().if(compare.missing(this.#ready)).then(ready);
          await this.#session.persistently(() => all.commit({ timeoutMs }), signal);
        }
        return result.succeeded ? result.revision : (result.results[0]?.createRevision ?? 0n);
      }
      // Those of the last time are not all gone yet; or they ended without a word.
      if (result.results[1].entries.length === 0) await this.#maybeEnd(signal);
      else await this.#watch(result.revision + 1n, signal, () => Promise.resolve(true));
    }
  }

  async #untilReady(key: string, revision: bigint, signal: AbortSignal): Promise<void> {
    const { client } = this.#session;
    for (;;) {
      const present = await this.#session.persistently(
        () => client.range({ prefix: `${this.#name}/` }, { keysOnly: true, signal }),
        signal,
      );
      const keys = present.entries.map((entry) => entry.keyString());
      // It cannot have been ready and ended again: this one has not left.
      if (!keys.includes(key)) throw evictedError(key);
      const ready = present.entries.find((entry) => entry.keyString() === this.#ready);
      if (ready !== undefined && ready.createRevision > revision - 1n) return;
      await this.#watch(present.revision + 1n, signal, async ({ type, entry }) => {
        return entry.keyString() === (type === 'put' ? this.#ready : key);
      });
    }
  }

  /** Ends this time when nobody is inside any more; whether it is over. */
  async #maybeEnd(signal: AbortSignal): Promise<boolean> {
    const { client, attemptMs: timeoutMs } = this.#session;
    const end = client
      .txn()
      .if(compare.createRevision({ prefix: this.#waiters }, '=', 0n))
      .then(op.delete(this.#ready));
    const { succeeded } = await this.#session.persistently(() => end.commit({ timeoutMs }), signal);
    return succeeded;
  }

  #remove(key: string) {
    return this.#session.client.delete(key, { timeoutMs: this.#session.attemptMs });
  }

  /** Reads what happens until `isOver`, or until it must be looked at again. */
  async #watch(
    startRevision: bigint,
    signal: AbortSignal,
    isOver: (event: WatchEvent) => Promise<boolean>,
  ): Promise<void> {
    const keys = { prefix: `${this.#name}/` };
    const options = { startRevision, timeoutMs: 0, signal };
    await using watch = this.#session.client.watch(keys, options);
    try {
      for await (const event of watch) if (await isOver(event)) return;
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
    }
  }
}
