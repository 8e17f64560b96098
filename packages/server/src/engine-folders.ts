import type { Engine } from '@kvorum/mvcc';

/** Where engines live: one folder each. */
export interface EngineFolders {
  /** Opens the engine in a folder, or makes it. */
  open(path: string): Promise<Engine>;
  /** Names of the folders with engines, and of whatever else there is, in a folder; none when it isn't there. */
  list(dir: string): readonly string[];
  /** Deletes a folder with all that is in it, if it exists. */
  remove(path: string): void;
  /** Moves a closed engine; durable on return. The target doesn't exist. */
  rename(from: string, to: string): void;
}

/**
 * The stores of a member: `db` is the first, `db.1` the one that replaced it when a state was received from the leader,
 * and so on. The last one counts; moving it to its name is what makes it complete.
 */
const FIRST = 'db';

/** Which generation a name in the member's folder stands for; undefined for other names. */
function generationOf(name: string): number | undefined {
  if (name === FIRST) return 0;
  const match = /^db\.([1-9]\d*)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function pathOf(memberDir: string, generation: number): string {
  return generation === 0 ? `${memberDir}/${FIRST}` : `${memberDir}/${FIRST}.${generation}`;
}

/** The folders of a member's store: the one in use, and one that is being received. */
export class StoreFolders {
  readonly #engines: EngineFolders;
  readonly #memberDir: string;
  #generation: number;

  /** Deletes what an exchange that a crash interrupted has left behind. */
  constructor(engines: EngineFolders, memberDir: string) {
    this.#engines = engines;
    this.#memberDir = memberDir;
    engines.remove(this.#incoming);
    const found = engines.list(memberDir).flatMap((name) => generationOf(name) ?? []);
    this.#generation = Math.max(0, ...found);
    for (const generation of found) {
      if (generation < this.#generation) engines.remove(pathOf(memberDir, generation));
    }
  }

  get current(): string {
    return pathOf(this.#memberDir, this.#generation);
  }

  get #incoming(): string {
    return `${this.#memberDir}/snap/incoming`;
  }

  openCurrent(): Promise<Engine> {
    return this.#engines.open(this.current);
  }

  /** A new engine, for a state that is received. */
  async openIncoming(): Promise<Engine> {
    this.dropIncoming();
    return await this.#engines.open(this.#incoming);
  }

  dropIncoming(): void {
    this.#engines.remove(this.#incoming);
  }

  /** Makes the received engine, closed and synced, the current one; returns how to delete the one before. */
  exchange(): () => void {
    const previous = this.current;
    this.#generation += 1;
    this.#engines.rename(this.#incoming, this.current);
    return () => this.#engines.remove(previous);
  }
}
