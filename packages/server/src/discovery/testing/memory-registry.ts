import {
  type Registry,
  type RegistryEntry,
  RegistryError,
  type RegistryListing,
} from '../v3/registry.ts';

/** A registry in memory. `failing` calls fail before one works. */
export class MemoryRegistry implements Registry {
  failing = 0;
  /** Calls fail for good from now on. */
  isLocked = false;
  readonly #entries = new Map<string, RegistryEntry>();
  readonly #history: RegistryEntry[] = [];
  #changed = Promise.withResolvers<void>();
  #isBroken = false;

  async get(key: string): Promise<string | undefined> {
    this.#mayFail();
    return this.#entries.get(key)?.value;
  }

  async list(prefix: string): Promise<RegistryListing> {
    this.#mayFail();
    const entries = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix));
    // As in etcd: by key, not by age.
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { entries, revision: BigInt(this.#history.length) };
  }

  async put(key: string, value: string): Promise<void> {
    this.#mayFail();
    const createRevision =
      this.#entries.get(key)?.createRevision ?? BigInt(this.#history.length + 1);
    const entry = { key, value, createRevision };
    this.#entries.set(key, entry);
    this.#history.push(entry);
    this.#wake();
  }

  async *watch(prefix: string, startRevision: bigint): AsyncGenerator<RegistryEntry> {
    for (let next = Number(startRevision) - 1; ; ) {
      const entry = this.#history[next];
      if (this.#isBroken) {
        this.#isBroken = false;
        throw new RegistryError('the watch broke', false);
      }
      if (entry === undefined) {
        await this.#changed.promise;
      } else {
        next += 1;
        if (entry.key.startsWith(prefix)) yield entry;
      }
    }
  }

  close(): void {}

  /** Ends the watch that is open, or the next one. */
  breakWatch(): void {
    this.#isBroken = true;
    this.#wake();
  }

  #mayFail(): void {
    if (this.isLocked) throw new RegistryError('etcdserver: permission denied', true);
    if (this.failing === 0) return;
    this.failing -= 1;
    throw new RegistryError('nobody answers', false);
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
