interface Due {
  readonly path: string;
  readonly ns: bigint;
}

/** When nodes expire, soonest first. Nodes with the same moment follow the order of their paths, at all members. */
export class Expirations {
  readonly #byPath = new Map<string, bigint>();
  /** A binary heap; entries that `#byPath` doesn't confirm are void. */
  #heap: Due[] = [];

  clear(): void {
    this.#byPath.clear();
    this.#heap = [];
  }

  get size(): number {
    return this.#byPath.size;
  }

  get(path: string): bigint | undefined {
    return this.#byPath.get(path);
  }

  /** The node expires then, or, for undefined, stays. */
  set(path: string, ns: bigint | undefined): void {
    if (ns === undefined) {
      this.#byPath.delete(path);
      return;
    }
    if (this.#byPath.get(path) === ns) return;
    this.#byPath.set(path, ns);
    this.#push({ path, ns });
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#byPath.size) this.#rebuild();
  }

  /** Which node expires first, and when. */
  soonest(): Due | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#byPath.get(top.path) === top.ns) return top;
      this.#pop();
    }
    return undefined;
  }

  #rebuild(): void {
    this.#heap = [...this.#byPath].map(([path, ns]) => ({ path, ns }));
    // A sorted list is a heap.
    this.#heap.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up] as Due;
      if (!isBefore(due, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Due)) child++;
      const below = heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.ns === b.ns ? a.path < b.path : a.ns < b.ns;
}
