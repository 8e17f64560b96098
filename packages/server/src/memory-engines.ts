import { MemoryEngine } from '@kvorum/mvcc';
import type { EngineFolders } from './engine-folders.ts';

/** Engines in memory by path: they last as long as this object. Crashable ones tell what was synced from what wasn't. */
export class MemoryEngines implements EngineFolders {
  readonly #crashable: boolean;
  readonly #engines = new Map<string, MemoryEngine>();

  constructor(options: { crashable?: boolean } = {}) {
    this.#crashable = options.crashable ?? false;
  }

  async open(path: string): Promise<MemoryEngine> {
    const closed = this.#engines.get(path);
    const engine = closed?.reopened() ?? new MemoryEngine({ crashable: this.#crashable });
    this.#engines.set(path, engine);
    return engine;
  }

  list(dir: string): readonly string[] {
    const prefix = `${dir}/`;
    const below = [...this.#engines.keys()].filter((path) => path.startsWith(prefix));
    return below.map((path) => path.slice(prefix.length));
  }

  remove(path: string): void {
    this.#engines.delete(path);
  }

  rename(from: string, to: string): void {
    const engine = this.#engines.get(from);
    this.#engines.delete(from);
    if (engine !== undefined) this.#engines.set(to, engine);
  }

  /** What a power cut leaves of them; see `MemoryEngine.crashClone`. */
  crashClone(seed: number, keptBatches?: number): MemoryEngines {
    const clone = new MemoryEngines({ crashable: true });
    for (const [path, engine] of this.#engines) {
      clone.#engines.set(path, engine.crashClone(seed, keptBatches));
    }
    return clone;
  }
}
