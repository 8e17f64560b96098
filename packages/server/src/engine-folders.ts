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
/** Begins the names of states that are received, below `snap`. */
const INCOMING = 'incoming';

/** Which generation a name in the member's folder stands for; undefined for other names. */
function generationOf(name: string): number | undefined {
  if (name === FIRST) return 0;
  const match = /^db\.([1-9]\d*)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

function pathOf(memberDir: string, generation: number): string {
  return generation === 0 ? `${memberDir}/${FIRST}` : `${memberDir}/${FIRST}.${generation}`;
}

/** The folders of a member's store: the one in use, and those that are being received. */
export class StoreFolders {
  readonly #engines: EngineFolders;
  readonly #memberDir: string;
  #generation: number;
  #incomingCount = 0;

  /** Deletes what an exchange that a crash interrupted has left behind. */
  constructor(engines: EngineFolders, memberDir: string) {
    this.#engines = engines;
    this.#memberDir = memberDir;
    for (const name of engines.list(this.#snapDir)) {
      if (name.startsWith(INCOMING)) engines.remove(`${this.#snapDir}/${name}`);
    }
    const found = engines.list(memberDir).flatMap((name) => generationOf(name) ?? []);
    this.#generation = Math.max(0, ...found);
    for (const generation of found) {
      if (generation < this.#generation) engines.remove(pathOf(memberDir, generation));
    }
  }

  get current(): string {
    return pathOf(this.#memberDir, this.#generation);
  }

  get #snapDir(): string {
    return `${this.#memberDir}/snap`;
  }

  openCurrent(): Promise<Engine> {
    return this.#engines.open(this.current);
  }

  /** A new engine, for a state that is received. */
  async openIncoming(): Promise<{ engine: Engine; path: string }> {
    this.#incomingCount += 1;
    const path = `${this.#snapDir}/${INCOMING}.${this.#incomingCount}`;
    this.dropIncoming(path);
    return { engine: await this.#engines.open(path), path };
  }

  dropIncoming(path: string): void {
    this.#engines.remove(path);
  }

  /** Makes a received engine, closed and synced, the current one; returns how to delete the one before. */
  exchange(path: string): () => void {
    const previous = this.current;
    this.#generation += 1;
    this.#engines.rename(path, this.current);
    return () => this.#engines.remove(previous);
  }
}
