import type { BoltFile } from './bolt-file.ts';
import { FLAG_FREELIST, FLAG_MASK, PAGE_HEAD } from './bolt-page.ts';
import { corruptPage } from './database-file-error.ts';
import type { PageSet } from './page-set.ts';

/** A count that does not fit into the page's head; the first eight bytes of the data have it then. */
const LARGE_COUNT = 0xffff;
const ID_BYTES = 8;

/**
 * Checks the list of free pages of a file in which `used` are the pages of all buckets: each page beyond the two metas
 * is either in use or free, and never both. Files without a list hold nothing to check. Throws `DatabaseFileError`.
 */
export function checkFreelist(file: BoltFile, used: PageSet): void {
  const { freelistPage, endPage } = file;
  if (freelistPage === undefined) return;
  const { bytes, count, pages } = file.page(freelistPage);
  if ((bytes.readUInt16LE(8) & FLAG_MASK) !== FLAG_FREELIST) {
    throw corruptPage(freelistPage, 'is not the list of free pages');
  }
  claim(used, freelistPage, pages);
  const isLarge = count === LARGE_COUNT;
  const total = isLarge ? Number(bytes.readBigUInt64LE(PAGE_HEAD)) : count;
  const start = PAGE_HEAD + (isLarge ? ID_BYTES : 0);
  if (start + total * ID_BYTES > bytes.length) {
    throw corruptPage(freelistPage, `claims to list ${total} free pages`);
  }
  for (let i = 0; i < total; i++) {
    const free = bytes.readBigUInt64LE(start + i * ID_BYTES);
    if (free < 2 || free >= endPage) throw corruptPage(freelistPage, `lists page ${free} as free`);
    claim(used, Number(free), 1);
  }
  for (let page = 2; page < endPage; page++) {
    if (!used.has(page)) throw corruptPage(page, 'is neither used nor free');
  }
}

function claim(used: PageSet, first: number, count: number): void {
  const twice = used.add(first, count);
  if (twice !== undefined) throw corruptPage(twice, 'is used and listed as free, or twice');
}
