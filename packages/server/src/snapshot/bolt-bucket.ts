import type { BoltFile } from './bolt-file.ts';
import { PAGE_HEAD } from './bolt-page.ts';
import { BoltPageView, type BoltRow } from './bolt-page-view.ts';
import { corruptPage, DatabaseFileError } from './database-file-error.ts';
import { PageSet } from './page-set.ts';

/** Bytes of a bucket's own head, which a small bucket's only page follows. */
const BUCKET_HEAD = 16;
/** Levels of a tree. Five hold all that fits into a file with two children a branch or more in practice. */
const DEEPEST = 64;

/** One page on the way down, and the keys that may lie below it: [lo, hi), undefined for no bound. */
interface Level {
  readonly page: BoltPageView;
  readonly lo: Uint8Array | undefined;
  readonly hi: Uint8Array | undefined;
  next: number;
}

/** A bucket: rows in ascending order of keys, whose values may be buckets themselves. */
export class BoltBucket {
  readonly #file: BoltFile;
  /** The page of its root, or its only page when that lies within the value of the parent's row. */
  readonly #root: number | BoltPageView;

  private constructor(file: BoltFile, root: number | BoltPageView) {
    this.#file = file;
    this.#root = root;
  }

  /** The bucket whose rows are the file's buckets. */
  static root(file: BoltFile): BoltBucket {
    return new BoltBucket(file, file.rootPage);
  }

  /** The bucket that a row with `isBucket` holds. Throws `DatabaseFileError`. */
  static of(file: BoltFile, { key, value }: BoltRow): BoltBucket {
    const name = JSON.stringify(Buffer.from(key).toString('latin1'));
    if (value.length < BUCKET_HEAD) {
      throw new DatabaseFileError('corrupt', `bucket ${name} has no root`);
    }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    const root = bytes.readBigUInt64LE(0);
    if (root !== 0n) return new BoltBucket(file, Number(root));
    const page = bytes.subarray(BUCKET_HEAD);
    if (page.length < PAGE_HEAD) {
      throw new DatabaseFileError('corrupt', `bucket ${name} has neither root nor page`);
    }
    return new BoltBucket(file, new BoltPageView(0, page, false));
  }

  /**
   * All rows in order. They are views of a page that is read for them, so whoever keeps a row keeps its page. `seen`
   * gathers the pages that the bucket takes; none of them may be in it before.
   *
   * Throws `DatabaseFileError` in the middle for what is not sound: pages that are no leaf or branch, that are in two
   * places, or whose keys are out of order.
   */
  *rows(seen: PageSet = new PageSet(this.#file.endPage)): Generator<BoltRow, void, undefined> {
    const levels: Level[] = [this.#enter(this.#root, undefined, undefined, seen)];
    let previous: Uint8Array | undefined;
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const { page, lo, hi } = level;
      if (level.next >= page.count) {
        levels.pop();
      } else if (page.isBranch) {
        if (levels.length >= DEEPEST) throw corruptPage(page.id, 'lies too deep in its tree');
        const { key, page: child } = page.child(level.next++);
        const after = level.next < page.count ? page.child(level.next).key : hi;
        levels.push(this.#enter(child, key, after, seen));
      } else {
        const row = page.row(level.next++);
        if (previous !== undefined && Buffer.compare(previous, row.key) >= 0) {
          throw corruptPage(page.id, 'has keys out of order');
        }
        checkBounds(page, row.key, lo, hi);
        previous = row.key;
        yield row;
      }
    }
  }

  #enter(
    root: number | BoltPageView,
    lo: Uint8Array | undefined,
    hi: Uint8Array | undefined,
    seen: PageSet,
  ): Level {
    if (typeof root !== 'number') {
      if (!root.isLeaf) throw corruptPage(root.id, 'is no leaf, though a bucket has it inline');
      return { page: root, lo, hi, next: 0 };
    }
    const page = this.#file.page(root);
    if (!page.isLeaf && !page.isBranch) throw corruptPage(root, 'is neither branch nor leaf');
    const twice = seen.add(root, page.pages);
    if (twice !== undefined) throw corruptPage(twice, 'is used twice');
    if (page.isBranch && page.count === 0) throw corruptPage(root, 'is a branch without children');
    return { page, lo, hi, next: 0 };
  }
}

function checkBounds(
  page: BoltPageView,
  key: Uint8Array,
  lo: Uint8Array | undefined,
  hi: Uint8Array | undefined,
): void {
  const tooLow = lo !== undefined && Buffer.compare(key, lo) < 0;
  if (tooLow || (hi !== undefined && Buffer.compare(key, hi) >= 0)) {
    throw corruptPage(page.id, 'has keys that belong elsewhere in the tree');
  }
}
