import { ClientError } from '@kvorum/client';
import { RecipeError } from './errors.ts';
import { Hold } from './hold.ts';
import { Place } from './place.ts';
import type { Session, WaitOptions } from './session.ts';

/** One of the permits of a semaphore. */
export class Permit extends Hold {}

/**
 * At most so many at a time, in the order of asking. All who use it must agree on the number: the server does not
 * know it. Tokens of holders are different, but those who hold at the same time have no order that matters.
 */
export class Semaphore {
  readonly #session: Session;
  readonly #prefix: string;
  readonly #permits: number;

  /** Throws `RecipeError` "configuration" unless `permits` is a whole number, 1 at least. */
  constructor(session: Session, name: string, permits: number) {
    if (!Number.isInteger(permits) || permits < 1) {
      throw new RecipeError('configuration', `a semaphore has 1 permit at least, not ${permits}`);
    }
    this.#session = session;
    this.#prefix = `${name}/`;
    this.#permits = permits;
  }

  /**
   * Waits for a permit. One session may have several. Rejects with `RecipeError` "aborted", "sessionLost" or "evicted",
   * and with `ClientError` when the server refuses.
   */
  async acquire(options: WaitOptions = {}): Promise<Permit> {
    const session = this.#session;
    const key = this.#prefix + session.environment.uniqueName();
    return await session.waiting(`waiting for ${this.#prefix}`, options.signal, async (signal) => {
      const place = await Place.take(session, key, '', signal);
      try {
        while (!(await this.#isGranted(place, signal)));
        const { modRevision } = await place.confirm(signal);
        signal.throwIfAborted();
        session.throwIfLost();
        return new Permit(place, modRevision);
      } catch (error) {
        await place.abandon();
        throw error;
      }
    });
  }

  /** Waits until few enough are before this one; false when that has to be looked at again. */
  async #isGranted(place: Place, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#session;
    const keys = { prefix: this.#prefix };
    const options = { maxCreateRevision: place.revision - 1n, keysOnly: true, signal };
    const { entries, revision } = await this.#session.persistently(
      () => client.range(keys, options),
      signal,
    );
    const before = new Set(entries.map((entry) => entry.keyString()));
    if (before.size < this.#permits) return true;
    await using watch = client.watch(keys, {
      startRevision: revision + 1n,
      only: 'delete',
      timeoutMs: 0,
      signal,
    });
    try {
      for await (const { entry } of watch) {
        before.delete(entry.keyString());
        if (before.size < this.#permits) return true;
      }
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
    }
    return false;
  }
}
