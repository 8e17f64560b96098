/** Which of the pages [0, size) were seen: one bit each, 256 KiB for a database of 8 GiB. */
export class PageSet {
  readonly #bits: Uint8Array;

  constructor(size: number) {
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  has(page: number): boolean {
    return ((this.#bits[page >>> 3] ?? 0) & (1 << (page & 7))) !== 0;
  }

  /** Adds the pages [first, first + count); returns the first that was in the set already, undefined for none. */
  add(first: number, count: number): number | undefined {
    for (let page = first; page < first + count; page++) {
      if (this.has(page)) return page;
      this.#bits[page >>> 3] = (this.#bits[page >>> 3] ?? 0) | (1 << (page & 7));
    }
    return undefined;
  }
}
