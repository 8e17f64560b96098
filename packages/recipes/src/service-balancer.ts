import { RecipeError } from './errors.ts';
import type { Instance } from './service-instance.ts';
import type { ServiceRegistry } from './service-registry.ts';

/** How the next instance is chosen: each in turn, or the one with the fewest calls that are not done. */
export type BalancingPolicy = 'roundRobin' | 'leastBusy';

/** How instances are chosen. */
export interface ServiceBalancerOptions {
  /** Default: `leastBusy`, in turn where several are as busy. */
  readonly policy?: BalancingPolicy;
}

/** An instance for one call. Leaving its `using` says that the call is done. */
export interface Picked extends Disposable {
  readonly instance: Instance;
}

/**
 * Spreads the calls of this process over the healthy instances of a service, which it keeps watching: choosing one asks
 * nobody. When the cluster is away, it goes on with those it knows.
 */
export class ServiceBalancer implements AsyncDisposable {
  readonly #service: string;
  readonly #policy: BalancingPolicy;
  readonly #closed = new AbortController();
  readonly #busy = new Map<string, number>();
  readonly #known: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ended: Promise<void>;
  #instances: readonly Instance[] = [];
  #next = 0;
  #error: unknown = undefined;

  constructor(registry: ServiceRegistry, service: string, options: ServiceBalancerOptions = {}) {
    this.#service = service;
    this.#policy = options.policy ?? 'leastBusy';
    this.#known.promise.catch(() => {});
    this.#ended = this.#watch(registry);
  }

  /** Resolves when the instances are known, though there may be none. Rejects with `ClientError` when the server refuses. */
  get known(): Promise<void> {
    return this.#known.promise;
  }

  /** Those it chooses from. */
  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /**
   * Chooses one. Throws `RecipeError` "noInstance" when there is none, with the reason if the server has refused to say.
   */
  pick(): Picked {
    const instance = this.#choose();
    if (instance === undefined) {
      const message = `there is no healthy instance of ${this.#service}`;
      throw new RecipeError('noInstance', message, this.#error);
    }
    const { id } = instance;
    this.#busy.set(id, this.#callsOf(id) + 1);
    let isDone = false;
    const done = () => {
      if (isDone) return;
      isDone = true;
      const left = this.#callsOf(id) - 1;
      if (left > 0) this.#busy.set(id, left);
      else this.#busy.delete(id);
    };
    return { instance, [Symbol.dispose]: done };
  }

  /** Watches no longer. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#ended;
  }

  /** Ends it, as `close` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #choose(): Instance | undefined {
    const count = this.#instances.length;
    let chosen: Instance | undefined;
    let chosenAt = 0;
    for (let step = 0; step < count; step++) {
      const at = (this.#next + step) % count;
      const instance = this.#instances[at];
      if (instance === undefined) continue;
      const isBetter =
        chosen === undefined || this.#callsOf(instance.id) < this.#callsOf(chosen.id);
      if (isBetter) {
        chosen = instance;
        chosenAt = at;
      }
      if (this.#policy === 'roundRobin') break;
    }
    this.#next = count === 0 ? 0 : (chosenAt + 1) % count;
    return chosen;
  }

  #callsOf(id: string): number {
    return this.#busy.get(id) ?? 0;
  }

  async #watch(registry: ServiceRegistry): Promise<void> {
    const { signal } = this.#closed;
    try {
      for await (const instances of registry.watch(this.#service, { signal })) {
        this.#instances = instances;
        this.#known.resolve();
      }
    } catch (error) {
      if (!signal.aborted) this.#error = error;
      this.#known.reject(error);
    }
  }
}
