import { compare, op } from '@kvorum/client';
import { Hold } from './hold.ts';
import { Place } from './place.ts';
import type { Session, WaitOptions } from './session.ts';

/** A mutex that is held. */
export class Lock extends Hold {}

/**
 * A lock that one at a time holds, in the order of asking. Its keys are those of etcd's clients: `etcdctl lock NAME`,
 * Go's `concurrency.Mutex` and the server's lock service contend with it. Those who share a session, which share a key
 * there, take turns here.
 */
export class Mutex {
  readonly #session: Session;
  readonly #prefix: string;
  readonly #key: string;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(session: Session, name: string) {
    this.#session = session;
    this.#prefix = `${name}/`;
    this.#key = this.#prefix + session.leaseName;
  }

  /**
   * Waits for the lock, however long servers are away. Rejects with `RecipeError`: "aborted"; "sessionLost"; "evicted"
   * when somebody has deleted its key while it waited. Rejects with `ClientError` when the server refuses.
   */
  async lock(options: WaitOptions = {}): Promise<Lock> {
    const what = `waiting for ${this.#prefix}`;
    return await this.#session.waiting(what, options.signal, async (signal) => {
      const leave = await this.#session.turns.take(this.#key, signal);
      try {
        const place = await Place.take(this.#session, this.#key, '', signal);
        return await this.#held(place, signal, leave);
      } catch (error) {
        leave();
        throw error;
      }
    });
  }

  /** Takes the lock if nobody has it or waits for it; undefined otherwise. Rejects as `lock` does, but never waits. */
  async tryLock(options: WaitOptions = {}): Promise<Lock | undefined> {
    const what = `trying ${this.#prefix}`;
    return await this.#session.waiting(what, options.signal, async (signal) => {
      const { turns, sweeps } = this.#session;
      if (turns.isTaken(this.#key) || sweeps.has(this.#key)) return undefined;
      const leave = await turns.take(this.#key, signal);
      let lock: Lock | undefined;
      try {
        lock = await this.#try(signal, leave);
      } finally {
        if (lock === undefined) leave();
      }
      return lock;
    });
  }

  async #try(signal: AbortSignal, leave: () => void): Promise<Lock | undefined> {
    const { client, lease, attemptMs: timeoutMs } = this.#session;
    const keys = { prefix: this.#prefix };
    const first = op.range(keys, { sortBy: 'createRevision', limit: 1, keysOnly: true });
    // Of keys that there are, none has a create revision of 0: it holds when there are none.
    const txn = client
      .txn()
      .if(compare.createRevision(keys, '=', 0n))
      .then(op.put(this.#key, '', { lease }))
      .else(first);
    const attempt = () => txn.commit({ timeoutMs });
    const result = await this.#session.persistently(attempt, this.#session.signal);
    if (result.succeeded) {
      const place = new Place(this.#session, this.#key, result.revision);
      return await this.#held(place, signal, leave);
    }
    const [holder] = result.results[0].entries;
    // An attempt that was answered too late may have been the one that made it.
    if (holder?.keyString() !== this.#key) return undefined;
    return await this.#held(
      new Place(this.#session, this.#key, holder.createRevision),
      signal,
      leave,
    );
  }

  async #held(place: Place, signal: AbortSignal, leave: () => void): Promise<Lock> {
    try {
      const { modRevision } = await place.first(this.#prefix, signal);
      signal.throwIfAborted();
      this.#session.throwIfLost();
      return new Lock(place, modRevision, leave);
    } catch (error) {
      await place.abandon();
      throw error;
    }
  }
}
