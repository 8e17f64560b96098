import { KeyMeta } from './key-meta.ts';

/** What an entry costs beside its KeyValue: objects, the text and the map's slot, about. */
const ENTRY_OVERHEAD_BYTES = 256;

/**
 * The latest versions of keys in use, within a budget of bytes. `null` stands for a key that is known
 * not to exist.
 *
 * Two generations: entries are written to the young one; when that has taken half the budget it becomes
 * the old one and what was old is forgotten. An entry found in the old generation moves to the young one
 * with bytes of its own. That copy is what bounds memory: an entry written by a batch is a view of a
 * buffer that it shares with others, and after two turns of generations no view of it can be left. For
 * the same reason every write is charged, also one that replaces an entry.
 */
export class KeyCache {
  readonly #generationBytes: number;
  #young = new Map<string, KeyMeta | null>();
  #old = new Map<string, KeyMeta | null>();
  #youngBytes = 0;

  /** `budgetBytes` bounds both generations together; 0 keeps nothing beyond the latest write. */
  constructor(budgetBytes: number) {
    this.#generationBytes = budgetBytes / 2;
  }

  /** Entries in both generations; one may be counted twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The entry of a key; undefined when nothing is known. */
  get(keyText: string): KeyMeta | null | undefined {
    const young = this.#young.get(keyText);
    if (young !== undefined) return young;
    if (this.#old.size === 0) return undefined;
    const old = this.#old.get(keyText);
    if (old === undefined) return undefined;
    this.#old.delete(keyText);
    const own = old === null ? null : withOwnBytes(old);
    this.set(keyText, own);
    return own;
  }

  /** Replaces the entry of a key; its bytes may be borrowed from a shared buffer. */
  set(keyText: string, entry: KeyMeta | null): void {
    if (this.#youngBytes >= this.#generationBytes) this.#turn();
    this.#youngBytes += ENTRY_OVERHEAD_BYTES + keyText.length;
    if (entry?.wire !== undefined) this.#youngBytes += entry.wire.length;
    this.#young.set(keyText, entry);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function withOwnBytes(meta: KeyMeta): KeyMeta {
  if (meta.wire === undefined || meta.wire.byteLength === meta.wire.buffer.byteLength) return meta;
  return new KeyMeta(
    meta.keyText,
    meta.createRevision,
    meta.modRevision,
    meta.sub,
    meta.version,
    meta.lease,
    meta.wireSize,
    // Not slice: that of a Buffer shares its bytes.
    new Uint8Array(meta.wire),
  );
}
