/** Rows of the store's `meta` column, in memory. */
export class MemoryRows {
  readonly #rows = new Map<string, Uint8Array>();

  putMeta(name: string, value: Uint8Array): void {
    this.#rows.set(name, value);
  }

  deleteMeta(name: string): void {
    this.#rows.delete(name);
  }

  /** In order of names. */
  readonly list = (prefix: string): [string, Uint8Array][] =>
    [...this.#rows]
      .filter(([name]) => name.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1));
}
