import { ClientError } from '@kvorum/client';
import { Hold } from './hold.ts';
import { Place } from './place.ts';
import { type SequentialKey, SequentialKeys } from './sequential-keys.ts';
import type { Session, WaitOptions } from './session.ts';

/** A turn in a line. */
export class Turn extends Hold {
  /** As the ticket's. */
  readonly number: number;

  /** For `Ticket`. */
  constructor(place: Place, revision: bigint, number: number) {
    super(place, revision);
    this.number = number;
  }
}

/** A place in a line that is taken, whether its turn has come or not. Leaving its `await using` gives it up. */
export class Ticket implements AsyncDisposable {
  /** Everybody's order: whose number is smaller has its turn before. From 1, without gaps; none is given twice. */
  readonly number: number;
  readonly #place: Place;
  readonly #prefix: string;
  #hold: Turn | undefined = undefined;

  /** For `FairLock`. */
  constructor(place: Place, prefix: string, number: number) {
    this.#place = place;
    this.#prefix = prefix;
    this.number = number;
  }

  /** The key that stands in line. */
  get key(): string {
    return this.#place.key;
  }

  /** How many are before it now. Rejects with `ClientError`. */
  async ahead(): Promise<number> {
    const { client } = this.#place.session;
    const span = { start: this.#prefix, end: this.key };
    return await client.count(span);
  }

  /**
   * Waits for its turn. One whose caller gives up is still in line. Rejects with `RecipeError` "aborted", "sessionLost" or
   * "evicted", and with `ClientError` when the server refuses.
   */
  async turn(options: WaitOptions = {}): Promise<Turn> {
    const { session } = this.#place;
    const what = `waiting for turn ${this.number} at ${this.#prefix}`;
    return await session.waiting(what, options.signal, async (signal) => {
      const { modRevision } = await this.#place.first(this.#prefix, signal);
      signal.throwIfAborted();
      session.throwIfLost();
      this.#hold ??= new Turn(this.#place, modRevision, this.number);
      return this.#hold;
    });
  }

  /** Leaves the line, or ends the turn. Does nothing the second time. */
  async leave(): Promise<void> {
    if (this.#hold === undefined) await this.#place.leave();
    else await this.#hold.release();
  }

  /** Leaves the line, or gives the lock back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

/**
 * A lock under control of order: everybody has a turn, in one order that is known to all as soon as they have joined,
 * by the numbers of their tickets. Joining and waiting are two things, so that one can join many lines before it waits.
 */
export class FairLock {
  readonly #session: Session;
  readonly #name: string;
  readonly #keys: SequentialKeys;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(session: Session, name: string) {
    this.#session = session;
    this.#name = name;
    this.#keys = new SequentialKeys(session.client, name);
  }

  /** Joins the line. Rejects with `RecipeError` "aborted" or "sessionLost", and with `ClientError` when nothing came of it. */
  async join(options: WaitOptions = {}): Promise<Ticket> {
    const session = this.#session;
    // By its value a key is found again whose creation was not answered.
    const value = session.environment.uniqueName();
    const prefix = `${this.#name}/`;
    return await session.waiting(`joining ${prefix}`, options.signal, async (signal) => {
      let isFirst = true;
      const { key, number, revision } = await session.persistently(() => {
        const wasFirst = isFirst;
        isFirst = false;
        return this.#create(value, prefix, wasFirst);
      }, signal);
      const ticket = new Ticket(new Place(session, key, revision), prefix, number);
      if (!signal.aborted) return ticket;
      await ticket.leave();
      throw signal.reason;
    });
  }

  /** Joins the line and waits for the turn. Rejects as `join` and `turn` do, and leaves the line then. */
  async lock(options: WaitOptions = {}): Promise<Turn> {
    const ticket = await this.join(options);
    try {
      return await ticket.turn(options);
    } catch (error) {
      await ticket.leave();
      throw error;
    }
  }

  async #create(value: string, prefix: string, isFirst: boolean) {
    try {
      const created = await this.#keys.create(value, { lease: this.#session.lease });
      // An earlier attempt may have been carried out late, but not after this one: the last number has changed.
      for (const { key } of isFirst ? [] : await this.#find(value, prefix)) {
        if (key !== created.key) await this.#session.client.delete(key);
      }
      return created;
    } catch (error) {
      if (!(error instanceof ClientError && error.mayHaveApplied)) throw error;
      const [found] = await this.#find(value, prefix);
      if (found === undefined) throw error;
      return found;
    }
  }

  async #find(value: string, prefix: string): Promise<SequentialKey[]> {
    const { entries } = await this.#session.client.range({ prefix });
    return entries
      .filter((entry) => entry.string() === value)
      .map((entry) => {
        const key = entry.keyString();
        return { key, number: Number(key.slice(prefix.length)), revision: entry.createRevision };
      });
  }
}
