import { type Bytes, type Client, ClientError, compare, type KeyValue, op } from '@kvorum/client';
import { platformEnvironment } from './environment.ts';
import { abortedError, RecipeError } from './errors.ts';
import { persistently } from './persistently.ts';
import { SequentialKeys } from './sequential-keys.ts';
import type { WaitOptions } from './session.ts';

/** What comes first. */
type Order = 'createRevision' | 'key';

/** Takes values from below a prefix, first come, first served, or by their keys. */
class Taker {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #order: Order;
  readonly #environment: typeof platformEnvironment;

  constructor(
    client: Client,
    prefix: string,
    order: Order,
    environment: typeof platformEnvironment,
  ) {
    this.#client = client;
    this.#prefix = prefix;
    this.#order = order;
    this.#environment = environment;
  }

  count(): Promise<number> {
    return this.#client.count({ prefix: this.#prefix });
  }

  /** The first value, which is then taken; else the revision at which there was none. */
  async tryTake(signal: AbortSignal): Promise<KeyValue | bigint> {
    const options = { sortBy: this.#order, limit: 1 } as const;
    const keys = { prefix: this.#prefix };
    let { entries, revision } = await persistently(
      () => this.#client.range(keys, { ...options, signal }),
      this.#environment.timers,
      signal,
    );
    for (;;) {
      const [first] = entries;
      if (first === undefined) return revision;
      signal.throwIfAborted();
      // It is not called off: then nobody would know whether the value is taken.
      const result = await this.#client
        .txn()
        .if(compare.modRevision(first.key, '=', first.modRevision))
        .then(op.delete(first.key))
        .else(op.range(keys, options))
        .commit();
      if (result.succeeded) return first;
      [{ entries, revision }] = result.results;
    }
  }

  async take({ signal: callers }: WaitOptions): Promise<KeyValue> {
    const signal = callers ?? new AbortController().signal;
    try {
      for (;;) {
        const taken = await this.tryTake(signal);
        if (typeof taken !== 'bigint') return taken;
        await this.#untilPut(taken + 1n, signal);
      }
    } catch (error) {
      // A value that was taken is given back to nobody: an unknown outcome is told as it is.
      if (!signal.aborted || isUnknown(error)) throw error;
      throw abortedError(`waiting for a value in ${this.#prefix}`, signal);
    }
  }

  async #untilPut(startRevision: bigint, signal: AbortSignal): Promise<void> {
    const keys = { prefix: this.#prefix };
    const options = { startRevision, only: 'put', timeoutMs: 0, signal } as const;
    await using watch = this.#client.watch(keys, options);
    try {
      for await (const _put of watch) return;
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
    }
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof ClientError && error.mayHaveApplied;
}

/**
 * Values that each go to one taker, in the order in which the server got them. A value that was taken is gone: when its
 * taker dies with it, or is not answered, nobody else gets it (at most once). Its keys are those of etcd's recipes.
 */
export class Queue {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #taker: Taker;
  readonly #environment: typeof platformEnvironment;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(client: Client, name: string, environment = platformEnvironment) {
    this.#client = client;
    this.#prefix = `${name}/`;
    this.#environment = environment;
    this.#taker = new Taker(client, this.#prefix, 'createRevision', environment);
  }

  /** Adds a value at the end. Rejects with `ClientError`; with `mayHaveApplied` it may be in the queue. */
  async enqueue(value: Bytes): Promise<void> {
    await this.#client.put(this.#prefix + this.#environment.uniqueName(), value);
  }

  /**
   * Takes the first value, and waits for one if there is none. Rejects with `RecipeError` "aborted" when it has waited in
   * vain; with `ClientError`, where `mayHaveApplied` says that a value may be lost.
   */
  dequeue(options: WaitOptions = {}): Promise<KeyValue> {
    return this.#taker.take(options);
  }

  /** Takes the first value if there is one. Rejects with `ClientError` as `dequeue` does. */
  async tryDequeue(): Promise<KeyValue | undefined> {
    const taken = await this.#taker.tryTake(new AbortController().signal);
    return typeof taken === 'bigint' ? undefined : taken;
  }

  /** How many wait to be taken. Rejects with `ClientError`. */
  length(): Promise<number> {
    return this.#taker.count();
  }
}

const largestPriority = 99_999;

/**
 * As `Queue`, but smaller priorities come first, and among equal ones who came first. Producers of one priority hold each
 * other up, see `SequentialKeys`. Its keys are those of etcd's recipes.
 */
export class PriorityQueue {
  readonly #client: Client;
  readonly #name: string;
  readonly #taker: Taker;

  /** `name` is a key prefix without the last `/`, which is added. */
  constructor(client: Client, name: string, environment = platformEnvironment) {
    this.#client = client;
    this.#name = name;
    this.#taker = new Taker(client, `${name}/`, 'key', environment);
  }

  /**
   * Adds a value with a priority from 0, the first, to 99,999. Rejects with `RecipeError` "configuration" for others, and
   * with `ClientError`; with `mayHaveApplied` it may be in the queue.
   */
  async enqueue(value: Bytes, priority: number): Promise<void> {
    if (!Number.isInteger(priority) || priority < 0 || priority > largestPriority) {
      const message = `a priority is a whole number from 0 to ${largestPriority}, not ${priority}`;
      throw new RecipeError('configuration', message);
    }
    const prefix = `${this.#name}/${String(priority).padStart(5, '0')}`;
    await new SequentialKeys(this.#client, prefix).create(value);
  }

  /** As `Queue.dequeue`. */
  dequeue(options: WaitOptions = {}): Promise<KeyValue> {
    return this.#taker.take(options);
  }

  /** As `Queue.tryDequeue`. */
  async tryDequeue(): Promise<KeyValue | undefined> {
    const taken = await this.#taker.tryTake(new AbortController().signal);
    return typeof taken === 'bigint' ? undefined : taken;
  }

  /** How many wait to be taken. Rejects with `ClientError`. */
  length(): Promise<number> {
    return this.#taker.count();
  }
}
