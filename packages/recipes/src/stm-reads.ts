import { type Client, type Compare, compare, type KeyValue } from '@kvorum/client';
import type { Isolation } from './stm.ts';

/** What one transaction has read, and what it will find when it is run again. */
export class ReadSet {
  readonly #client: Client;
  readonly #isolation: Isolation;
  readonly #signal: AbortSignal | undefined;
  #seen = new Map<string, KeyValue | undefined>();
  /** Read already when the last attempt failed, all at one revision. */
  #prefetched: ReadonlyMap<string, KeyValue | undefined> = new Map();
  #snapshot = 0n;

  constructor(client: Client, isolation: Isolation, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#isolation = isolation;
    this.#signal = signal;
  }

  get keys(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** The revision of all reads; 0n before the first. */
  get snapshot(): bigint {
    return this.#snapshot;
  }

  async get(key: string): Promise<KeyValue | undefined> {
    if (this.#isolation === 'readCommitted') return (await this.#read(key, 0n)).entry;
    if (this.#seen.has(key)) return this.#seen.get(key);
    const isKnown = this.#prefetched.has(key);
    const entry = isKnown ? this.#prefetched.get(key) : await this.#fetch(key);
    // Two reads of one key may be on their way at once.
    if (!this.#seen.has(key)) this.#seen.set(key, entry);
    return this.#seen.get(key);
  }

  /** That nothing which was read has changed. */
  conditions(): Compare[] {
    return [...this.#seen].map(([key, entry]) =>
      compare.modRevision(key, '=', entry?.modRevision ?? 0n),
    );
  }

  /** Begins anew, with what was there at a revision. */
  restart(found: ReadonlyMap<string, KeyValue | undefined>, revision: bigint): void {
    this.#seen = new Map();
    this.#prefetched = found;
    this.#snapshot = found.size === 0 ? 0n : revision;
  }

  forget(): void {
    this.restart(new Map(), 0n);
  }

  async #fetch(key: string): Promise<KeyValue | undefined> {
    const isPinned = this.#isolation !== 'repeatableReads';
    if (!isPinned || this.#snapshot !== 0n) {
      return (await this.#read(key, isPinned ? this.#snapshot : 0n)).entry;
    }
    const { entry, revision } = await this.#read(key, 0n);
    if (this.#snapshot === 0n) {
      this.#snapshot = revision;
      return entry;
    }
    // Another first read was answered meanwhile.
    return revision === this.#snapshot ? entry : (await this.#read(key, this.#snapshot)).entry;
  }

  async #read(key: string, revision: bigint) {
    const call = this.#signal === undefined ? {} : { signal: this.#signal };
    const found = await this.#client.range(key, { revision, ...call });
    return { entry: found.entries[0], revision: found.revision };
  }
}
