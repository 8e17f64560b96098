import { Hold } from './hold.ts';
import { Place } from './place.ts';
import type { Session, WaitOptions } from './session.ts';

/** A read-write lock that is held, by one writer or by one of several readers. */
export class RwLock extends Hold {}

/**
 * A lock that many readers hold together, or one writer alone. All come in the order of asking: a reader that asks
 * after a writer waits for it, so that readers never starve writers. Its keys are those of etcd's recipes.
 */
export class RwMutex {
  readonly #session: Session;
  readonly #prefix: string;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(session: Session, name: string) {
    this.#session = session;
    this.#prefix = `${name}/`;
  }

  /**
   * Waits until no writer is before this reader. Rejects with `RecipeError` "aborted", "sessionLost" or "evicted", and
   * with `ClientError` when the server refuses.
   */
  async readLock(options: WaitOptions = {}): Promise<RwLock> {
    return await this.#lock('read', `${this.#prefix}write/`, options);
  }

  /** Waits until nobody is before this writer. Rejects as `readLock` does. */
  async writeLock(options: WaitOptions = {}): Promise<RwLock> {
    return await this.#lock('write', this.#prefix, options);
  }

  async #lock(kind: 'read' | 'write', others: string, options: WaitOptions): Promise<RwLock> {
    const session = this.#session;
    const key = `${this.#prefix}${kind}/${session.environment.uniqueName()}`;
    const what = `waiting for ${this.#prefix}${kind}`;
    return await session.waiting(what, options.signal, async (signal) => {
      const place = await Place.take(session, key, '', signal);
      try {
        const { modRevision } = await place.first(others, signal);
        signal.throwIfAborted();
        session.throwIfLost();
        return new RwLock(place, modRevision);
      } catch (error) {
        await place.abandon();
        throw error;
      }
    });
  }
}
