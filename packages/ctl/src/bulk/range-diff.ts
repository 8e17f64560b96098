import type { PageKeyValue, RangePage } from './range-page.ts';

/** What became of a key between two revisions. Views into pages: for use before the next one is asked for. */
export type KeyChange =
  | { readonly change: 'added'; readonly before: undefined; readonly after: PageKeyValue }
  | { readonly change: 'removed'; readonly before: PageKeyValue; readonly after: undefined }
  | { readonly change: 'changed'; readonly before: PageKeyValue; readonly after: PageKeyValue };

/** What differs between two readings of the same range at different revisions, in the order of keys. */
export async function* rangeDiff(
  before: AsyncIterable<RangePage>,
  after: AsyncIterable<RangePage>,
): AsyncGenerator<KeyChange> {
  await using left = new KeyReader(before);
  await using right = new KeyReader(after);
  let [one, other] = [await left.next(), await right.next()];
  for (;;) {
    const order = compare(one, other);
    if (one !== undefined && (other === undefined || order < 0)) {
      yield { change: 'removed', before: one, after: undefined };
      one = await left.next();
    } else if (other !== undefined && (one === undefined || order > 0)) {
      yield { change: 'added', before: undefined, after: other };
      other = await right.next();
    } else if (one !== undefined && other !== undefined) {
      if (one.modRevision !== other.modRevision) {
        yield { change: 'changed', before: one, after: other };
      }
      [one, other] = [
        left.maybeNext() ?? (await left.next()),
        right.maybeNext() ?? (await right.next()),
      ];
    } else return;
  }
}

function compare(one: PageKeyValue | undefined, other: PageKeyValue | undefined): number {
  return one === undefined || other === undefined ? 0 : Buffer.compare(one.key, other.key);
}

/** The key-values of pages, one by one. */
class KeyReader implements AsyncDisposable {
  readonly #pages: AsyncIterator<RangePage>;
  #page: RangePage | undefined = undefined;
  #at = 0;

  constructor(pages: AsyncIterable<RangePage>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next one, if it is in the page at hand. */
  maybeNext(): PageKeyValue | undefined {
    const page = this.#page;
    if (page === undefined || this.#at === page.length) return undefined;
    this.#at += 1;
    return page.at(this.#at - 1);
  }

  async next(): Promise<PageKeyValue | undefined> {
    for (;;) {
      const found = this.maybeNext();
      if (found !== undefined) return found;
      const following = await this.#pages.next();
      if (following.done === true) return undefined;
      this.#page = following.value;
      this.#at = 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pages.return?.();
  }
}
