import type { Column, Engine, EngineBatch, Scan, ScanOptions } from './engine.ts';
import { COLUMNS } from './engine.ts';
import { MvccError } from './errors.ts';
import { invariant } from './invariant.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';
import { newSortedTree, type SortedTree } from './sorted-tree.ts';

const NO_BYTES = new Uint8Array(0);

type Columns = Readonly<Record<Column, SortedTree<Uint8Array>>>;

/** One change of a batch; `value` undefined deletes. */
interface Change {
  readonly column: Column;
  readonly keyText: string;
  readonly value: Uint8Array | undefined;
}

/** How a memory engine behaves. */
export interface MemoryEngineOptions {
  /** Remember what was not synced, so that `crashClone` can lose some of it; default false. */
  readonly crashable?: boolean;
}

/**
 * An engine in memory, for tests, simulation and stores that need not last. A crashable one tells what
 * is durable from what is merely written, as a disk does.
 */
export class MemoryEngine implements Engine {
  readonly #crashable: boolean;
  #columns: Columns;
  /** State at the latest sync. */
  #durable: Columns;
  /** Batches since then, oldest first; stays empty unless crashable. */
  #unsynced: (readonly Change[])[] = [];
  #size = 0;
  #closed = false;

  constructor(options: MemoryEngineOptions = {}) {
    this.#crashable = options.crashable ?? false;
    this.#columns = mapColumns(() => newSortedTree<Uint8Array>());
    this.#durable = this.#columns;
    if (this.#crashable) this.#durable = cloneColumns(this.#columns);
  }

  /** Batches that a crash may lose. */
  get unsyncedBatches(): number {
    return this.#unsynced.length;
  }

  get(column: Column, key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    return this.#columns[column].get(keyTextOf(key));
  }

  getMany(column: Column, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    this.#checkOpen();
    const tree = this.#columns[column];
    return keys.map((key) => tree.get(keyTextOf(key)));
  }

  scan(column: Column, options: ScanOptions = {}): Scan {
    this.#checkOpen();
    return new MemoryScan(this.#columns[column].clone(), options, () => this.#checkOpen());
  }

  batch(): EngineBatch {
    this.#checkOpen();
    return new MemoryBatch((changes, sync) => this.#write(changes, sync));
  }

  sizeBytes(): number {
    return this.#size;
  }

  sync(): void {
    this.#checkOpen();
    if (!this.#crashable) return;
    this.#durable = cloneColumns(this.#columns);
    this.#unsynced = [];
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** What opening it again after `close` gives. This one must not be used any more. */
  reopened(): MemoryEngine {
    const engine = new MemoryEngine({ crashable: this.#crashable });
    engine.#columns = this.#columns;
    engine.#durable = this.#durable;
    engine.#unsynced = this.#unsynced;
    engine.#size = this.#size;
    return engine;
  }

  /**
   * The engine as a power failure at this moment would leave it, to be opened in its place: everything
   * synced and the oldest `keptBatches` of what was not. By default `seed` draws that number.
   */
  crashClone(seed: number, keptBatches?: number): MemoryEngine {
    invariant(this.#crashable, 'only a crashable engine can crash');
    const kept = keptBatches ?? mix(seed) % (this.#unsynced.length + 1);
    const clone = new MemoryEngine({ crashable: true });
    clone.#columns = cloneColumns(this.#durable);
    for (const tree of Object.values(clone.#columns)) {
      tree.forEach((value, keyText) => {
        clone.#size += keyText.length + value.length;
      });
    }
    for (const changes of this.#unsynced.slice(0, kept)) clone.#apply(changes);
    clone.#durable = cloneColumns(clone.#columns);
    return clone;
  }

  #write(changes: readonly Change[], sync: boolean): void {
    this.#checkOpen();
    this.#apply(changes);
    if (this.#crashable) this.#unsynced.push(changes);
    if (sync) this.sync();
  }

  #apply(changes: readonly Change[]): void {
    for (const { column, keyText, value } of changes) {
      const tree = this.#columns[column];
      const before = tree.get(keyText);
      if (before !== undefined) this.#size -= keyText.length + before.length;
      if (value === undefined) {
        tree.delete(keyText);
      } else {
        tree.set(keyText, value);
        this.#size += keyText.length + value.length;
      }
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new MvccError('engine', 'the engine is closed');
  }
}

class MemoryBatch implements EngineBatch {
  readonly #apply: (changes: readonly Change[], sync: boolean) => void;
  readonly #changes: Change[] = [];
  #written = false;

  constructor(apply: (changes: readonly Change[], sync: boolean) => void) {
    this.#apply = apply;
  }

  put(column: Column, key: Uint8Array, value: Uint8Array): void {
    invariant(!this.#written, 'the batch was written');
    this.#changes.push({ column, keyText: keyTextOf(key), value });
  }

  delete(column: Column, key: Uint8Array): void {
    invariant(!this.#written, 'the batch was written');
    this.#changes.push({ column, keyText: keyTextOf(key), value: undefined });
  }

  write(options?: { readonly sync?: boolean }): void {
    invariant(!this.#written, 'the batch was written');
    this.#written = true;
    this.#apply(this.#changes, options?.sync === true);
  }
}

class MemoryScan implements Scan {
  readonly #tree: SortedTree<Uint8Array>;
  readonly #gte: string;
  readonly #lt: string | undefined;
  readonly #reverse: boolean;
  readonly #keys: boolean;
  readonly #values: boolean;
  readonly #checkOpen: () => void;
  #left: number;
  /** The end was reached; a seek may lead back from it. */
  #ended = false;
  #entries: Iterator<[string, Uint8Array]>;

  constructor(tree: SortedTree<Uint8Array>, options: ScanOptions, checkOpen: () => void) {
    this.#checkOpen = checkOpen;
    this.#tree = tree;
    this.#gte = options.gte === undefined ? '' : keyTextOf(options.gte);
    this.#lt = options.lt === undefined ? undefined : keyTextOf(options.lt);
    this.#reverse = options.reverse === true;
    this.#keys = options.valuesOnly !== true;
    this.#values = options.keysOnly !== true;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
    this.#entries = this.#reverse
      ? tree.entriesReversed(this.#lt, undefined, true)
      : tree.entries(this.#gte);
  }

  next(maxEntries: number): Uint8Array[] {
    if (this.#left === 0 || this.#ended) return [];
    this.#checkOpen();
    const page: Uint8Array[] = [];
    const wanted = Math.min(maxEntries, this.#left);
    while (page.length < 2 * wanted) {
      const { done, value } = this.#entries.next();
      if (done || !this.#inBounds(value[0])) {
        this.#ended = true;
        break;
      }
      page.push(this.#keys ? keyBytesOf(value[0]) : NO_BYTES, this.#values ? value[1] : NO_BYTES);
    }
    this.#left = Math.max(0, this.#left - page.length / 2);
    return page;
  }

  seek(key: Uint8Array): void {
    const keyText = keyTextOf(key);
    this.#ended = false;
    if (!this.#reverse) {
      const belowBounds = keyText < this.#gte;
      this.#entries = this.#tree.entries(belowBounds ? this.#gte : keyText);
    } else if (this.#lt !== undefined && keyText >= this.#lt) {
      this.#entries = this.#tree.entriesReversed(this.#lt, undefined, true);
    } else {
      this.#entries = this.#tree.entriesReversed(keyText);
    }
  }

  close(): void {
    this.#left = 0;
  }

  #inBounds(keyText: string): boolean {
    return keyText >= this.#gte && (this.#lt === undefined || keyText < this.#lt);
  }
}

function mapColumns(make: (column: Column) => SortedTree<Uint8Array>): Columns {
  const columns = COLUMNS.map((column) => [column, make(column)] as const);
  return Object.fromEntries(columns) as Record<Column, SortedTree<Uint8Array>>;
}

function cloneColumns(columns: Columns): Columns {
  return mapColumns((column) => columns[column].clone());
}

/** A well-mixed uint32 of `seed`, so that neighbouring seeds draw unrelated numbers. */
function mix(seed: number): number {
  let h = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  return (h ^ (h >>> 16)) >>> 0;
}
