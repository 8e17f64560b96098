import type { PageKeyValue } from './range-page.ts';

/** What the keys with one prefix come to. */
export interface PrefixStatistics {
  readonly prefix: string;
  keyCount: number;
  /** Of keys and values. */
  sizeBytes: number;
  /** Keys changed in the revisions that count as recent. */
  recentCount: number;
}

/** A key that was written often. */
export interface RevisedKey {
  readonly key: string;
  /** How often since it was made. */
  readonly version: number;
  readonly sizeBytes: number;
}

/** How the statistics are made. */
export interface StatisticsOptions {
  /** How many parts of a key, with slashes behind them, make its prefix. */
  readonly depth: number;
  /** Rows to keep of each kind. */
  readonly rowCount: number;
  /** Keys changed after it count as recent. */
  readonly recentAfterRevision: number;
}

/** Prefixes that are told apart; keys of further ones are counted together, so that memory has a bound. */
const mostPrefixes = 50_000;
export const otherPrefixes = '(others)';

/** Gathers what the keys of a store come to, one by one. */
export class KeyStatistics {
  keyCount = 0;
  sizeBytes = 0;
  readonly #options: StatisticsOptions;
  readonly #prefixes = new Map<string, PrefixStatistics>();
  /** The most revised ones first, no more than wanted. */
  readonly #revised: RevisedKey[] = [];

  constructor(options: StatisticsOptions) {
    this.#options = options;
  }

  /** Borrows the key and value. */
  add({ key, value, version, modRevision }: PageKeyValue): void {
    const size = key.length + value.length;
    this.keyCount += 1;
    this.sizeBytes += size;
    const prefix = this.#prefix(prefixOf(key, this.#options.depth));
    prefix.keyCount += 1;
    prefix.sizeBytes += size;
    if (modRevision > this.#options.recentAfterRevision) prefix.recentCount += 1;
    this.#maybeKeep(key, version, size);
  }

  /** The largest prefixes. */
  largest(): readonly PrefixStatistics[] {
    const sorted = [...this.#prefixes.values()].sort((a, b) => b.sizeBytes - a.sizeBytes);
    return sorted.slice(0, this.#options.rowCount);
  }

  /** One prefix; undefined when no key has it. */
  of(prefix: string): PrefixStatistics | undefined {
    return this.#prefixes.get(prefix);
  }

  /** The keys with the most versions. */
  mostRevised(): readonly RevisedKey[] {
    return this.#revised;
  }

  #prefix(prefix: string): PrefixStatistics {
    let found = this.#prefixes.get(prefix);
    if (found !== undefined) return found;
    const isFull = this.#prefixes.size >= mostPrefixes && prefix !== otherPrefixes;
    if (isFull) return this.#prefix(otherPrefixes);
    found = { prefix, keyCount: 0, sizeBytes: 0, recentCount: 0 };
    this.#prefixes.set(prefix, found);
    return found;
  }

  #maybeKeep(key: Uint8Array, version: number, sizeBytes: number): void {
    const { rowCount } = this.#options;
    const last = this.#revised.at(-1);
    if (this.#revised.length >= rowCount && version <= (last?.version ?? 0)) return;
    const at = this.#revised.findIndex((other) => other.version < version);
    const entry = { key: Buffer.from(key).toString(), version, sizeBytes };
    this.#revised.splice(at < 0 ? this.#revised.length : at, 0, entry);
    if (this.#revised.length > rowCount) this.#revised.pop();
  }
}

/** The beginning of a key, up to its slash number `depth`; one at the very beginning does not count. */
function prefixOf(key: Uint8Array, depth: number): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  let end = 0;
  for (let count = 0; count < depth; count++) {
    const slash = bytes.indexOf(0x2f, Math.max(end, 1));
    if (slash < 0) break;
    end = slash + 1;
  }
  return end === 0 ? '(no slash)' : bytes.toString('utf8', 0, end);
}
