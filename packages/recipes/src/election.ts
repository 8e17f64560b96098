import { type Bytes, type KeyValue, op } from '@kvorum/client';
import { firstOf, observeElection } from './election-observer.ts';
import { Hold } from './hold.ts';
import { Place } from './place.ts';
import type { Session, WaitOptions } from './session.ts';

/** Being the leader, until it is resigned or lost; see `Hold` for what that means. */
export class Leadership extends Hold {
  /** Announces another value. Rejects with `RecipeError` "evicted", "sessionLost" or "released" when no leader any more. */
  async proclaim(value: Bytes): Promise<void> {
    this.throwIfLost();
    const { client, lease, attemptMs: timeoutMs } = this.place.session;
    const txn = this.guard(client.txn()).then(op.put(this.key, value, { lease }));
    const { succeeded } = await this.place.session.persistently(
      () => txn.commit({ timeoutMs }),
      this.signal,
    );
    if (succeeded) return;
    this.evict();
    this.throwIfLost();
  }

  /** Gives it up: the next candidate leads. As `release`. */
  async resign(): Promise<void> {
    await this.release();
  }
}

/**
 * One leader at a time out of any number of candidates, each with a value that observers see. Its keys are those of
 * etcd's clients: `etcdctl elect NAME`, Go's `concurrency.Election` and the server's election service take part in it.
 */
export class Election {
  readonly #session: Session;
  readonly #name: string;
  readonly #prefix: string;
  readonly #key: string;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(session: Session, name: string) {
    this.#session = session;
    this.#name = name;
    this.#prefix = `${name}/`;
    this.#key = this.#prefix + session.leaseName;
  }

  /**
   * Waits until this candidate leads, with a value to announce. Candidates of one session come one after the other.
   * Rejects with `RecipeError` "aborted", "sessionLost" or "evicted", and with `ClientError` when the server refuses.
   */
  async campaign(value: Bytes, options: WaitOptions = {}): Promise<Leadership> {
    const what = `the campaign at ${this.#prefix}`;
    return await this.#session.waiting(what, options.signal, async (signal) => {
      const leave = await this.#session.turns.take(this.#key, signal);
      try {
        const place = await Place.take(this.#session, this.#key, value, signal);
        return await this.#elected(place, toBytes(value), signal, leave);
      } catch (error) {
        leave();
        throw error;
      }
    });
  }

  /** Who leads now, if anybody: the value, and as create revision the token. Rejects with `ClientError`. */
  async leader(options: WaitOptions = {}): Promise<KeyValue | undefined> {
    const { client, environment } = this.#session;
    const [leader] = (await firstOf(client, this.#prefix, environment, options.signal)).entries;
    return leader;
  }

  /** As `observeElection`. */
  observe(options: WaitOptions = {}): AsyncGenerator<KeyValue, void, undefined> {
    const { client, environment } = this.#session;
    return observeElection(client, this.#name, { ...options, environment });
  }

  async #elected(
    place: Place,
    value: Uint8Array,
    signal: AbortSignal,
    leave: () => void,
  ): Promise<Leadership> {
    try {
      const entry = await place.first(this.#prefix, signal);
      signal.throwIfAborted();
      this.#session.throwIfLost();
      const leadership = new Leadership(place, entry.modRevision, leave);
      // Its key may be one that the lease had already, with another value.
      if (!isEqual(entry.value, value)) await leadership.proclaim(value);
      return leadership;
    } catch (error) {
      await place.abandon();
      throw error;
    }
  }
}

const encoder = new TextEncoder();

function toBytes(value: Bytes): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
