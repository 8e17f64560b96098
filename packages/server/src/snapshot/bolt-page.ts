/**
 * The pages of a bbolt file, the format of etcd's databases and so of its snapshots (`bbolt: internal/common/page.go`,
 * `meta.go`). All numbers are little-endian.
 *
 *   page    | id u64 | flags u16 | count u16 | overflow u32 | elements … | data …    16 bytes of head
 *           A page may span several: `overflow` says how many follow it.
 *   leaf    element: | flags u32 | pos u32 | ksize u32 | vsize u32 |     flags 1: the value is a bucket
 *   branch  element: | pos u32 | ksize u32 | page id u64 |
 *           `pos` counts from the element's own first byte to its key; the value follows the key.
 *   bucket  as a value: | root page id u64 | sequence u64 |               root 0: the bucket's only page follows
 *   meta    pages 0 and 1: magic, version, page size, flags, root bucket, freelist page, end, transaction, checksum
 */
export const PAGE_SIZE = 4096;
export const PAGE_HEAD = 16;
export const ELEMENT_SIZE = 16;

export const FLAG_BRANCH = 0x01;
export const FLAG_LEAF = 0x02;
export const FLAG_META = 0x04;
export const FLAG_FREELIST = 0x10;
/** All that a page can be; other bits are of no account. */
export const FLAG_MASK = FLAG_BRANCH | FLAG_LEAF | FLAG_META | FLAG_FREELIST;
export const META_MAGIC = 0xed0cdaed;
export const META_VERSION = 2;
export const META_SIZE = 64;

/** One row of a leaf page. */
export interface LeafElement {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly isBucket: boolean;
}

/** A child of a branch page, under its first key. */
export interface BranchElement {
  readonly key: Uint8Array;
  readonly page: number;
}

/** Pages that so many bytes take. */
export function pagesFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PAGE_SIZE));
}

/** Bytes of a leaf page with these rows. */
export function leafSize(elements: readonly LeafElement[]): number {
  let size = PAGE_HEAD;
  for (const { key, value } of elements) size += ELEMENT_SIZE + key.length + value.length;
  return size;
}

export function leafPage(id: number, elements: readonly LeafElement[]): Buffer {
  const page = newPage(id, FLAG_LEAF, elements.length, leafSize(elements));
  let data = PAGE_HEAD + elements.length * ELEMENT_SIZE;
  elements.forEach(({ key, value, isBucket }, i) => {
    const at = PAGE_HEAD + i * ELEMENT_SIZE;
    page.writeUInt32LE(isBucket ? 1 : 0, at);
    page.writeUInt32LE(data - at, at + 4);
    page.writeUInt32LE(key.length, at + 8);
    page.writeUInt32LE(value.length, at + 12);
    page.set(key, data);
    page.set(value, data + key.length);
    data += key.length + value.length;
  });
  return page;
}

export function branchPage(id: number, elements: readonly BranchElement[]): Buffer {
  let size = PAGE_HEAD;
  for (const { key } of elements) size += ELEMENT_SIZE + key.length;
  const page = newPage(id, FLAG_BRANCH, elements.length, size);
  let data = PAGE_HEAD + elements.length * ELEMENT_SIZE;
  elements.forEach(({ key, page: child }, i) => {
    const at = PAGE_HEAD + i * ELEMENT_SIZE;
    page.writeUInt32LE(data - at, at);
    page.writeUInt32LE(key.length, at + 4);
    page.writeBigUInt64LE(BigInt(child), at + 8);
    page.set(key, data);
    data += key.length;
  });
  return page;
}

/** A list of no free pages: the file is written once, from front to back. */
export function freelistPage(id: number): Buffer {
  return newPage(id, FLAG_FREELIST, 0, PAGE_HEAD);
}

/** A bucket as the value of its parent's row. */
export function bucketValue(rootPage: number): Buffer {
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(BigInt(rootPage), 0);
  return value;
}

export interface MetaFields {
  readonly rootPage: number;
  readonly freelistPage: number;
  /** The first page id beyond the file. */
  readonly endPage: number;
  readonly transaction: number;
}

export function metaPage(id: number, fields: MetaFields): Buffer {
  const page = newPage(id, FLAG_META, 0, PAGE_SIZE);
  const meta = page.subarray(PAGE_HEAD, PAGE_HEAD + META_SIZE);
  meta.writeUInt32LE(META_MAGIC, 0);
  meta.writeUInt32LE(META_VERSION, 4);
  meta.writeUInt32LE(PAGE_SIZE, 8);
  meta.writeBigUInt64LE(BigInt(fields.rootPage), 16);
  meta.writeBigUInt64LE(BigInt(fields.freelistPage), 32);
  meta.writeBigUInt64LE(BigInt(fields.endPage), 40);
  meta.writeBigUInt64LE(BigInt(fields.transaction), 48);
  meta.writeBigUInt64LE(metaChecksum(meta), 56);
  return page;
}

function newPage(id: number, flags: number, count: number, size: number): Buffer {
  const pages = pagesFor(size);
  const page = Buffer.alloc(pages * PAGE_SIZE);
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(pages - 1, 12);
  return page;
}

/** FNV-1a, 64 bits, over all of a meta but the checksum itself. */
export function metaChecksum(meta: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of meta.subarray(0, 56))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
