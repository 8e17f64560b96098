import type { DiskFile } from '@kvorum/wal';
import {
  FLAG_META,
  META_MAGIC,
  META_SIZE,
  META_VERSION,
  metaChecksum,
  PAGE_HEAD,
} from './bolt-page.ts';
import { BoltPageView } from './bolt-page-view.ts';
import { corruptPage, DatabaseFileError } from './database-file-error.ts';

/** Where the bytes of a database come from. */
export type ByteSource = Pick<DiskFile, 'read' | 'size'>;

/** Sizes that a page can have: those of the memory pages of the machines that etcd runs on, and some room. */
const SMALLEST_PAGE = 1024;
const LARGEST_PAGE = 1024 * 1024;
/**
 * A page with its overflow is read as one, so this bounds the memory that reading takes: far above the largest request
 * that anybody lets etcd take (1.5 MiB by default), and above the list of free pages of the largest database.
 */
const LARGEST_RUN_BYTES = 256 * 1024 * 1024;
/** More than any database has, 4 TiB of the usual pages; a set of them takes 128 MiB. */
const MOST_PAGES = 2 ** 30;
/** In place of the page of the list of free pages: it is not in the file. */
const NO_FREELIST = 0xffff_ffff_ffff_ffffn;

/** What a valid meta page says. */
interface Meta {
  readonly pageSize: number;
  readonly rootPage: number;
  readonly freelistPage: number | undefined;
  readonly endPage: number;
  readonly transaction: bigint;
}

/**
 * A bbolt file, open for reading; `bolt-page.ts` draws the format. Nothing in the file is believed: every offset and
 * count is checked before it is used, and no more than one page at a time, with its overflow, is in memory.
 */
export class BoltFile {
  /** In bytes; the file says it. */
  readonly pageSize: number;
  /** Page of the bucket that holds the other buckets. */
  readonly rootPage: number;
  /** Page of the list of free pages; undefined when the file has none, as etcd's. */
  readonly freelistPage: number | undefined;
  /** The first page id beyond those in use. */
  readonly endPage: number;
  readonly #source: ByteSource;

  private constructor(source: ByteSource, meta: Meta) {
    this.#source = source;
    this.pageSize = meta.pageSize;
    this.rootPage = meta.rootPage;
    this.freelistPage = meta.freelistPage;
    this.endPage = meta.endPage;
  }

  /**
   * Reads the two meta pages; the newer one that is sound counts, as a crash can leave the other torn. Throws
   * `DatabaseFileError` "foreign" for other files and "truncated" for one that lacks some of its pages.
   */
  static open(source: ByteSource): BoltFile {
    const meta = newestMeta(source);
    const needs = meta.endPage * meta.pageSize;
    const has = source.size();
    if (has < needs) {
      const text = `the file is cut off: it has ${has} bytes of the ${needs} that belong to it`;
      throw new DatabaseFileError('truncated', text);
    }
    return new BoltFile(source, meta);
  }

  /** Bytes of all pages in use. */
  get size(): number {
    return this.endPage * this.pageSize;
  }

  /** Reads a page with its overflow. The bytes are the caller's. Throws `DatabaseFileError`. */
  page(id: number): BoltPageView {
    if (id < 2 || id >= this.endPage) {
      throw new DatabaseFileError('corrupt', `page ${id} lies outside of the file`);
    }
    const first = this.#read(id, 1);
    const { overflow } = new BoltPageView(id, first, true);
    if (overflow === 0) return new BoltPageView(id, first, true);
    if (id + overflow >= this.endPage) throw corruptPage(id, 'is longer than the file');
    if ((overflow + 1) * this.pageSize > LARGEST_RUN_BYTES) {
      throw corruptPage(id, `claims to have ${(overflow + 1) * this.pageSize} bytes`);
    }
    return new BoltPageView(id, this.#read(id, overflow + 1), true);
  }

  #read(id: number, count: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(count * this.pageSize);
    readFully(this.#source, bytes, id * this.pageSize);
    return bytes;
  }
}

function newestMeta(source: ByteSource): Meta {
  const first = metaAt(source, 0, undefined);
  const second = first === undefined ? secondMeta(source) : metaAt(source, first.pageSize, first);
  if (first === undefined && second === undefined) {
    const text = 'this is no bbolt database: neither of its first two pages is a sound meta page';
    throw new DatabaseFileError('foreign', text);
  }
  if (first === undefined) return second as Meta;
  return second === undefined || second.transaction < first.transaction ? first : second;
}

/** The first page is damaged, and with it the size of pages: the second one is where it says that it is. */
function secondMeta(source: ByteSource): Meta | undefined {
  for (let pageSize = SMALLEST_PAGE; pageSize <= LARGEST_PAGE; pageSize *= 2) {
    const meta = metaAt(source, pageSize, undefined);
    if (meta?.pageSize === pageSize) return meta;
  }
  return undefined;
}

/** The meta page at an offset; undefined when there is none that is sound. */
function metaAt(source: ByteSource, offset: number, beside: Meta | undefined): Meta | undefined {
  const bytes = Buffer.alloc(PAGE_HEAD + META_SIZE);
  if (source.read(bytes, offset) < bytes.length) return undefined;
  if ((bytes.readUInt16LE(8) & FLAG_META) === 0) return undefined;
  const meta = bytes.subarray(PAGE_HEAD);
  if (meta.readUInt32LE(0) !== META_MAGIC || meta.readUInt32LE(4) !== META_VERSION)
    return undefined;
  if (meta.readBigUInt64LE(56) !== metaChecksum(meta)) return undefined;
  const pageSize = meta.readUInt32LE(8);
  const isPower = pageSize >= SMALLEST_PAGE && pageSize <= LARGEST_PAGE && isPowerOfTwo(pageSize);
  if (!isPower || (beside !== undefined && beside.pageSize !== pageSize)) return undefined;
  const free = meta.readBigUInt64LE(32);
  const [rootPage, freelistPage, endPage] = [
    meta.readBigUInt64LE(16),
    free,
    meta.readBigUInt64LE(40),
  ];
  if (endPage > MOST_PAGES || rootPage >= endPage) return undefined;
  if (free !== NO_FREELIST && freelistPage >= endPage) return undefined;
  return {
    pageSize,
    rootPage: Number(rootPage),
    freelistPage: free === NO_FREELIST ? undefined : Number(freelistPage),
    endPage: Number(endPage),
    transaction: meta.readBigUInt64LE(48),
  };
}

function readFully(source: ByteSource, into: Uint8Array, position: number): void {
  const got = source.read(into, position);
  if (got === into.length) return;
  const text = `the file ends at byte ${position + got}, in the middle of a page`;
  throw new DatabaseFileError('truncated', text);
}

function isPowerOfTwo(n: number): boolean {
  return (n & (n - 1)) === 0;
}
