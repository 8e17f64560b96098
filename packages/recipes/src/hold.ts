import { type ClientTransaction, compare, type Ops } from '@kvorum/client';
import { RecipeError } from './errors.ts';
import { evictedError, type Place, untilDeleted } from './place.ts';

/**
 * Something that is held until it is released or lost: a lock, a permit, leadership. Leaving its `await using`
 * releases it.
 *
 * What it promises: as long as `signal` has not fired, nobody else has been given it. What it cannot promise: that this
 * stays so until what you do next takes effect. A process can be held still between the check and the deed, and a
 * request can be under way for long. Where that matters, write with `guard`, or give `token` to whom you write to.
 */
export class Hold implements AsyncDisposable {
  /** Its key at the server. */
  readonly key: string;
  /**
   * The fencing token: the key's create revision. Whoever holds it later has a larger one; a resource that refuses
   * tokens smaller than the largest it has seen cannot be harmed by a holder who does not know yet that it lost.
   */
  readonly token: bigint;
  readonly #place: Place;
  readonly #lost = new AbortController();
  readonly #onSessionLost = () => this.#onLost(this.#place.session.signal.reason);
  readonly #onEnd: () => void;

  /** For the recipes. `revision`: when it was certainly held; `onEnd` is called once, when it is no more. */
  constructor(place: Place, revision: bigint, onEnd: () => void = () => {}) {
    this.key = place.key;
    this.token = place.revision;
    this.#place = place;
    this.#onEnd = onEnd;
    const { signal } = place.session;
    if (signal.aborted) this.#onSessionLost();
    else signal.addEventListener('abort', this.#onSessionLost, { once: true });
    void this.#watch(revision);
  }

  /**
   * Fires when it must not be counted on any more: before the server can give it to others for want of renewals, and
   * when it is released. Its reason is a `RecipeError`: "sessionLost", "released", or "evicted" when somebody has deleted
   * its key, which is known only afterwards.
   */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Throws the signal's reason, a `RecipeError`, unless it is held at this moment, by the clock. */
  throwIfLost(): void {
    this.#lost.signal.throwIfAborted();
    // The lease's own look at the clock fires the signals.
    this.#place.session.throwIfLost();
  }

  /**
   * Adds the condition that it is held when the transaction is carried out: then it cannot be done by one who has
   * lost it, however late it arrives.
   */
  guard<T extends Ops, E extends Ops>(txn: ClientTransaction<T, E>): ClientTransaction<T, E> {
    return txn.if(compare.createRevision(this.key, '=', this.token));
  }

  /**
   * Gives it back. The signal fires at once; resolves when the next one can have it, or when the session is lost.
   * Rejects with `ClientError` when the server refuses. Does nothing the second time.
   */
  async release(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    this.#end(new RecipeError('released', `${this.key} was released`));
    try {
      await this.#place.leave();
    } finally {
      this.#onEnd();
    }
  }

  /** Gives it back, as `release` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** It is certainly lost; for handles that find out. */
  protected evict(): void {
    this.#onLost(evictedError(this.key));
  }

  protected get place(): Place {
    return this.#place;
  }

  #onLost(reason: unknown): void {
    if (this.#lost.signal.aborted) return;
    const text = reason instanceof Error ? reason.message : String(reason);
    const error =
      reason instanceof RecipeError
        ? reason
        : new RecipeError('sessionLost', `${this.key} is lost: ${text}`, reason);
    this.#end(error);
    this.#onEnd();
  }

  #end(reason: RecipeError): void {
    this.#place.session.signal.removeEventListener('abort', this.#onSessionLost);
    this.#lost.abort(reason);
  }

  /** Somebody may delete the key by hand. */
  async #watch(revision: bigint): Promise<void> {
    const { signal } = this.#lost;
    const { session } = this.#place;
    try {
      for (let from = revision + 1n; ; ) {
        await untilDeleted(session, this.key, from, signal);
        const found = await session.persistently(
          () => session.client.range(this.key, { keysOnly: true, signal }),
          signal,
        );
        if (found.entries[0]?.createRevision !== this.token) return this.evict();
        from = found.revision + 1n;
      }
    } catch {
      // The lease decides then, as it does for all who cannot watch.
    }
  }
}
