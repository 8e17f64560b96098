import type { DiskFile } from '@kvorum/wal';
import {
  type BranchElement,
  branchPage,
  bucketValue,
  ELEMENT_SIZE,
  freelistPage,
  type LeafElement,
  leafPage,
  metaPage,
  PAGE_HEAD,
  PAGE_SIZE,
} from './bolt-page.ts';

/** Pages of this file before the first bucket: two metas and the freelist. */
const FIRST_FREE_PAGE = 3;
/** Rows and children are counted in 16 bits. */
const MAX_ELEMENTS = 0xffff;

/**
 * Writes a bbolt file from front to back: buckets one after the other, the rows of each in ascending order of keys.
 * Memory holds one page and a key for each page written, not the rows.
 */
export class BoltWriter {
  readonly #file: DiskFile;
  readonly #buckets: LeafElement[] = [];
  #nextPage = FIRST_FREE_PAGE;
  #open: { name: Uint8Array; leaves: LeafPages } | undefined;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Begins a bucket; the one before is finished. Names come in ascending order. */
  bucket(name: string): void {
    this.#finishBucket();
    const leaves = new LeafPages((elements) => this.#write((id) => leafPage(id, elements)));
    this.#open = { name: Buffer.from(name), leaves };
  }

  /** Adds a row to the open bucket; its key is higher than those before. The bytes are not kept. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#open?.leaves.add({ key, value, isBucket: false });
  }

  /** Writes what is left and returns the size of the file in bytes. */
  finish(): number {
    this.#finishBucket();
    const leaves = new LeafPages((elements) => this.#write((id) => leafPage(id, elements)));
    for (const bucket of this.#buckets) leaves.add(bucket);
    const rootPage = this.#writeBranches(leaves.finish());
    this.#file.write(freelistPage(2), 2 * PAGE_SIZE);
    for (const id of [0, 1]) {
      // The newer meta page counts; both say the same.
      const fields = { rootPage, freelistPage: 2, endPage: this.#nextPage, transaction: id };
      this.#file.write(metaPage(id, fields), id * PAGE_SIZE);
    }
    return this.#nextPage * PAGE_SIZE;
  }

  #finishBucket(): void {
    if (this.#open === undefined) return;
    const { name, leaves } = this.#open;
    const root = this.#writeBranches(leaves.finish());
    this.#buckets.push({ key: name, value: bucketValue(root), isBucket: true });
    this.#open = undefined;
  }

  /** Builds the tree above a level of pages; returns the page of its root. */
  #writeBranches(level: readonly BranchElement[]): number {
    const [only] = level;
    if (level.length === 1 && only !== undefined) return only.page;
    const above: BranchElement[] = [];
    let children: BranchElement[] = [];
    let size = PAGE_HEAD;
    const flush = () => {
      const elements = children;
      const [first] = elements;
      if (first === undefined) return;
      above.push({ key: first.key, page: this.#write((id) => branchPage(id, elements)) });
      children = [];
      size = PAGE_HEAD;
    };
    for (const child of level) {
      const bytes = ELEMENT_SIZE + child.key.length;
      // A branch has two children at least, or the tree would never end.
      const full = size + bytes > PAGE_SIZE || children.length === MAX_ELEMENTS;
      if (full && children.length >= 2) flush();
      children.push(child);
      size += bytes;
    }
    flush();
    return this.#writeBranches(above);
  }

  #write(encode: (id: number) => Buffer): number {
    const id = this.#nextPage;
    const page = encode(id);
    this.#file.write(page, id * PAGE_SIZE);
    this.#nextPage += page.length / PAGE_SIZE;
    return id;
  }
}

/** Cuts rows into leaf pages and remembers the first key of each. */
class LeafPages {
  readonly #write: (elements: readonly LeafElement[]) => number;
  readonly #pages: BranchElement[] = [];
  #rows: LeafElement[] = [];
  #size = PAGE_HEAD;

  constructor(write: (elements: readonly LeafElement[]) => number) {
    this.#write = write;
  }

  add(row: LeafElement): void {
    const bytes = ELEMENT_SIZE + row.key.length + row.value.length;
    const full = this.#size + bytes > PAGE_SIZE || this.#rows.length === MAX_ELEMENTS;
    if (full && this.#rows.length > 0) this.#flush();
    this.#rows.push(row);
    this.#size += bytes;
  }

  /** The pages written; an empty tree is one empty page. */
  finish(): readonly BranchElement[] {
    if (this.#rows.length > 0 || this.#pages.length === 0) this.#flush();
    return this.#pages;
  }

  #flush(): void {
    const key = this.#rows[0]?.key.slice() ?? new Uint8Array(0);
    this.#pages.push({ key, page: this.#write(this.#rows) });
    this.#rows = [];
    this.#size = PAGE_HEAD;
  }
}
