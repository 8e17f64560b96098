import { type Bytes, type Client, ClientError, type KeyValue } from '@kvorum/client';
import { platformEnvironment, type RecipeEnvironment } from './environment.ts';
import { RecipeError } from './errors.ts';
import { MessageLease } from './message-lease.ts';
import type { WaitOptions } from './session.ts';
import { type StartOfSubscription, Subscription } from './subscription.ts';

/** How messages of a topic are kept. */
export interface TopicOptions {
  /**
   * How long a message can be replayed at least, in whole seconds; it goes within a quarter more. Default: for ever,
   * until `trim`.
   */
  readonly ttlSeconds?: number;
  /** Default: the platform's timers, and random UUIDs. */
  readonly environment?: RecipeEnvironment;
}

/** Where a subscription begins. */
export interface SubscribeOptions extends WaitOptions {
  /** Default: `now`. `start`: with all that is kept; a position: after that message. */
  readonly from?: StartOfSubscription;
}

/**
 * Messages to all who subscribe, each a key of its own: those who come late, or were away, get what is kept. Every
 * subscriber sees every message once, in one order that is the same for all. What was trimmed, or has run out before a
 * subscriber read it, is not seen by it. Messages cost the store what keys cost: this is for thousands, not
 * for millions.
 */
export class Topic {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #environment: RecipeEnvironment;
  readonly #lease: MessageLease | undefined;

  /** `name` is a key prefix without the last `/`. Throws `RecipeError` "configuration" for a `ttlSeconds` below 1. */
  constructor(client: Client, name: string, options: TopicOptions = {}) {
    const { ttlSeconds, environment = platformEnvironment } = options;
    if (ttlSeconds !== undefined && !(Number.isInteger(ttlSeconds) && ttlSeconds >= 1)) {
      const message = `messages are kept for whole seconds, one at least, not ${ttlSeconds}`;
      throw new RecipeError('configuration', message);
    }
    this.#client = client;
    this.#prefix = `${name}/`;
    this.#environment = environment;
    const { timers } = environment;
    this.#lease =
      ttlSeconds === undefined ? undefined : new MessageLease(client, ttlSeconds, timers);
  }

  /**
   * Publishes a message, and resolves with its position when all subscribers will see it. Rejects with `ClientError`; with
   * `mayHaveApplied` it may have been published.
   */
  async publish(value: Bytes): Promise<bigint> {
    const key = this.#prefix + this.#environment.uniqueName();
    if (this.#lease === undefined) return (await this.#client.put(key, value)).revision;
    const lease = await this.#lease.id();
    try {
      return (await this.#client.put(key, value, { lease })).revision;
    } catch (error) {
      // A process that was held still has not seen it run out.
      if (!(error instanceof ClientError && error.code === 'leaseNotFound')) throw error;
      this.#lease.forget(lease);
      return (await this.#client.put(key, value, { lease: await this.#lease.id() })).revision;
    }
  }

  /** Messages as they come, for one reader; see `Subscription`. */
  subscribe(options: SubscribeOptions = {}): Subscription {
    const { from = 'now', signal } = options;
    const { timers } = this.#environment;
    return new Subscription({ client: this.#client, prefix: this.#prefix, timers, from, signal });
  }

  /** How many messages are kept. Rejects with `ClientError`. */
  async count(): Promise<number> {
    return await this.#client.count({ prefix: this.#prefix });
  }

  /** Deletes the oldest messages but for the last `keep`, and resolves with how many. Rejects with `ClientError`. */
  async trim(keep: number): Promise<number> {
    const excess = (await this.count()) - keep;
    if (excess <= 0) return 0;
    const options = { sortBy: 'createRevision', limit: excess, keysOnly: true } as const;
    const { entries } = await this.#client.range({ prefix: this.#prefix }, options);
    await Promise.all(entries.map(({ key }: KeyValue) => this.#client.delete(key)));
    return entries.length;
  }
}
