import type { Client } from '@kvorum/client';
import { BorrowedLease } from './borrowed-lease.ts';
import { platformEnvironment, type RecipeEnvironment } from './environment.ts';
import { abortedError, RecipeError } from './errors.ts';
import { LocalTurns } from './local-turns.ts';
import { persistently } from './persistently.ts';

/** How a session is opened. */
export interface SessionOptions {
  /**
   * How long what it holds outlives this process when that ends without a word, in whole seconds. Default 60, as in
   * etcd. The server gives 2 at least by default. Shorter ones are lost sooner when the server cannot be reached.
   */
  readonly ttlSeconds?: number;
  /** A lease that was granted elsewhere, to be kept alive and used instead of a new one. */
  readonly leaseId?: bigint;
  /**
   * False: `leaseId` is kept alive by whoever it belongs to, and not asked after. Then nothing here can know how long
   * it lives: signals do not fire when it runs out, and what that took is found gone ("evicted"). Default true.
   */
  readonly keepAlive?: boolean;
  /** Gives up opening it. */
  readonly signal?: AbortSignal;
  /** Default: the platform's timers, and random UUIDs. */
  readonly environment?: RecipeEnvironment;
}

/** Something that can be waited for, until the caller's signal fires. */
export interface WaitOptions {
  /** Gives up waiting: the call rejects with `RecipeError` "aborted" and leaves nothing behind at the server. */
  readonly signal?: AbortSignal;
}

/** What a session needs of its lease; see `Lease` of the client. */
export interface SessionLease extends AsyncDisposable {
  readonly id: bigint;
  readonly ttlSeconds: number;
  readonly signal: AbortSignal;
  /** Throws unless it can be counted on at this moment. */
  throwIfLost(): void;
  /** Ends it, and deletes its keys. */
  revoke(): Promise<void>;
  /** Keeps it alive no longer. */
  release(): void;
}

const defaultTtlSeconds = 60;

/**
 * A lease that is kept alive, and that all a process holds is attached to: locks, places in lines, registrations. When
 * the process ends, the server takes them back after the TTL at most. Leaving its `await using` gives all back at once.
 */
export class Session implements AsyncDisposable {
  readonly client: Client;
  readonly lease: SessionLease;
  readonly environment: RecipeEnvironment;
  /** For recipes whose users in this process share a key. */
  readonly turns: LocalTurns = new LocalTurns();
  /** Keys that are being deleted in the background, see `Place`. */
  readonly sweeps: Map<string, Promise<void>> = new Map();

  private constructor(client: Client, lease: SessionLease, environment: RecipeEnvironment) {
    this.client = client;
    this.lease = lease;
    this.environment = environment;
  }

  /**
   * Opens one; keys are those of `client`, below its namespace if it has one. Rejects with `ClientError`;
   * "leaseNotFound" when there is no lease with `leaseId`.
   */
  static async open(client: Client, options: SessionOptions = {}): Promise<Session> {
    const { environment = platformEnvironment } = options;
    return new Session(client, await leaseFor(client, options), environment);
  }

  /** The id of its lease. */
  get leaseId(): bigint {
    return this.lease.id;
  }

  /** As etcd's clients write it into keys: hexadecimal, lower case, no leading zeros. */
  get leaseName(): string {
    return BigInt.asUintN(64, this.leaseId).toString(16);
  }

  /**
   * Fires when nobody may count on what the session holds any more: before the server can have given it to others, and
   * when the session ends. See `Lease.signal` for what a process that is held still must know.
   */
  get signal(): AbortSignal {
    return this.lease.signal;
  }

  /** Throws `RecipeError` "sessionLost" unless the session can be counted on at this moment. */
  throwIfLost(): void {
    try {
      this.lease.throwIfLost();
    } catch (error) {
      throw this.#lostError(error);
    }
  }

  /** Ends it: all that it holds is given back. Rejects with `ClientError` when the server could not be told. */
  async close(): Promise<void> {
    await this.lease.revoke();
  }

  /** Keeps it alive no longer, and leaves what it holds until the lease runs out. */
  orphan(): void {
    this.lease.release();
  }

  /** As `close`; a server that cannot be told is no error: what is held goes when the lease runs out. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.lease[Symbol.asyncDispose]();
  }

  /** How long one attempt of a call may take, in ms: another one fits into the lease. For recipes. */
  get attemptMs(): number {
    return Math.min(10_000, Math.max(1000, (this.lease.ttlSeconds * 1000) / 3));
  }

  /**
   * Does something that waits, under a signal that fires with the caller's or the session's. Rejects with `RecipeError`
   * "aborted" or "sessionLost" when that is why it ended. For recipes.
   */
  async waiting<T>(
    what: string,
    callers: AbortSignal | undefined,
    wait: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const signal = callers === undefined ? this.signal : AbortSignal.any([callers, this.signal]);
    try {
      if (callers?.aborted === true) throw callers.reason;
      this.throwIfLost();
      return await wait(signal);
    } catch (error) {
      if (this.signal.aborted) throw this.#lostError(this.signal.reason);
      if (callers?.aborted === true) throw abortedError(what, callers);
      throw error;
    }
  }

  /** Attempts something that may be done twice until it is answered, or the signal fires. For recipes. */
  persistently<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return persistently(attempt, this.environment.timers, signal);
  }

  #lostError(cause: unknown): RecipeError {
    if (cause instanceof RecipeError) return cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    return new RecipeError('sessionLost', `the session is lost: ${text}`, cause);
  }
}

async function leaseFor(client: Client, options: SessionOptions): Promise<SessionLease> {
  const { ttlSeconds = defaultTtlSeconds, leaseId, keepAlive = true, signal } = options;
  const call = signal === undefined ? {} : { signal };
  if (leaseId === undefined) return await client.lease(ttlSeconds, call);
  if (keepAlive) return await client.leases.adopt(leaseId, call);
  return new BorrowedLease(client, leaseId, ttlSeconds);
}
