/** What a heap member carries for the heap: its own place, so that it can be removed or moved. */
export interface HeapItem {
  /** Index in the heap that holds it, -1 when none does. Written by the heap only. */
  heapIndex: number;
}

/**
 * A binary min-heap by a number, from whose middle items can be removed in O(log n).
 * Nothing is removed lazily: an item that left holds no memory. Each item is in one heap at most.
 */
export class IndexedHeap<T extends HeapItem> {
  // Keys stand beside the items, not inside, so that sifting compares plain numbers of one array.
  readonly #items: T[] = [];
  readonly #keys: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The least key; Infinity when empty. */
  get minKey(): number {
    return this.#keys[0] ?? Number.POSITIVE_INFINITY;
  }

  /** The item with the least key, left in place. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Whether this heap holds `item`. */
  has(item: T): boolean {
    return item.heapIndex >= 0 && this.#items[item.heapIndex] === item;
  }

  /** Adds `item`, or moves it to its new key when it is held already. */
  set(item: T, key: number): void {
    if (!this.has(item)) {
      this.#items.push(item);
      this.#keys.push(key);
      this.#siftUp(this.#items.length - 1, item, key);
      return;
    }
    const index = item.heapIndex;
    const keyBefore = this.#keys[index] ?? key;
    if (key < keyBefore) this.#siftUp(index, item, key);
    else this.#siftDown(index, item, key);
  }

  /** Takes out the item with the least key. */
  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.delete(top);
    return top;
  }

  /** Takes out `item`; returns whether it was held. */
  delete(item: T): boolean {
    if (!this.has(item)) return false;
    const index = item.heapIndex;
    item.heapIndex = -1;
    const last = this.#items.pop();
    const lastKey = this.#keys.pop();
    if (last === undefined || lastKey === undefined || last === item) return true;
    const parent = (index - 1) >> 1;
    if (index > 0 && lastKey < (this.#keys[parent] ?? lastKey)) {
      this.#siftUp(index, last, lastKey);
    } else {
      this.#siftDown(index, last, lastKey);
    }
    return true;
  }

  /** Takes out everything. */
  clear(): void {
    for (const item of this.#items) item.heapIndex = -1;
    this.#items.length = 0;
    this.#keys.length = 0;
  }

  /** All items, in no particular order. */
  values(): IterableIterator<T> {
    return this.#items.values();
  }

  /** Fills the hole at `index` with `item`, which belongs there or above. */
  #siftUp(index: number, item: T, key: number): void {
    let hole = index;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentKey = this.#keys[parent];
      const parentItem = this.#items[parent];
      if (parentKey === undefined || parentItem === undefined || parentKey <= key) break;
      this.#place(hole, parentItem, parentKey);
      hole = parent;
    }
    this.#place(hole, item, key);
  }

  /** Fills the hole at `index` with `item`, which belongs there or below. */
  #siftDown(index: number, item: T, key: number): void {
    let hole = index;
    for (;;) {
      let child = 2 * hole + 1;
      let childKey = this.#keys[child];
      const rightKey = this.#keys[child + 1];
      if (childKey === undefined) break;
      if (rightKey !== undefined && rightKey < childKey) {
        child += 1;
        childKey = rightKey;
      }
      const childItem = this.#items[child];
      if (childItem === undefined || childKey >= key) break;
      this.#place(hole, childItem, childKey);
      hole = child;
    }
    this.#place(hole, item, key);
  }

  #place(index: number, item: T, key: number): void {
    this.#items[index] = item;
    this.#keys[index] = key;
    item.heapIndex = index;
  }
}
