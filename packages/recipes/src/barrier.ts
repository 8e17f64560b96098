import { type Client, ClientError, compare, type LeaseLike, op } from '@kvorum/client';
import { platformEnvironment, type RecipeEnvironment } from './environment.ts';
import { abortedError, RecipeError } from './errors.ts';
import { persistently } from './persistently.ts';
import type { WaitOptions } from './session.ts';

/** Who comes while it is held waits until it is released. The key is that of etcd's recipes. */
export class Barrier {
  readonly #client: Client;
  readonly #key: string;
  readonly #environment: RecipeEnvironment;

  /** `key` exists as long as the barrier is held. */
  constructor(client: Client, key: string, environment = platformEnvironment) {
    this.#client = client;
    this.#key = key;
    this.#environment = environment;
  }

  /**
   * Puts it up; with a lease it falls when that ends. Rejects with `RecipeError` "barrierHeld" when it is up already, and
   * with `ClientError`.
   */
  async hold(options: { readonly lease?: LeaseLike } = {}): Promise<void> {
    const { succeeded } = await this.#client
      .txn()
      .if(compare.missing(this.#key))
      .then(op.put(this.#key, '', options))
      .commit();
    if (!succeeded) throw new RecipeError('barrierHeld', `barrier ${this.#key} is held already`);
  }

  /** Takes it away: all who wait go on. Does nothing when it is not held. Rejects with `ClientError`. */
  async release(): Promise<void> {
    await this.#client.delete(this.#key);
  }

  /** Whether it is held now. Rejects with `ClientError`. */
  async isHeld(): Promise<boolean> {
    return (await this.#client.count(this.#key)) > 0;
  }

  /** Resolves when it is not held, however long servers are away. Rejects with `RecipeError` "aborted" and `ClientError`. */
  async wait(options: WaitOptions = {}): Promise<void> {
    const signal = options.signal ?? new AbortController().signal;
    try {
      for (;;) {
        const { entries, revision } = await persistently(
          () => this.#client.range(this.#key, { keysOnly: true, signal }),
          this.#environment.timers,
          signal,
        );
        if (entries.length === 0) return;
        await this.#untilReleased(revision + 1n, signal);
      }
    } catch (error) {
      if (signal.aborted) throw abortedError(`waiting for barrier ${this.#key}`, signal);
      throw error;
    }
  }

  async #untilReleased(startRevision: bigint, signal: AbortSignal): Promise<void> {
    const options = { startRevision, only: 'delete', timeoutMs: 0, signal } as const;
    await using watch = this.#client.watch(this.#key, options);
    try {
      for await (const _deletion of watch) return;
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'compacted')) throw error;
    }
  }
}
