interface Event {
  readonly time: number;
  /** Events of one time happen in the order in which they were planned. */
  readonly order: number;
  readonly happen: () => void;
}

/** What will happen and when, in virtual time: a binary heap. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;
  #now = 0;

  /** The time of the event that is happening, or happened last. */
  get now(): number {
    return this.#now;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Plans an event `delay` from now. */
  after(delay: number, happen: () => void): void {
    const event = { time: this.#now + delay, order: this.#order++, happen };
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  /** Lets the next event happen. Returns whether there was one. */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) this.#sink(last);
    this.#now = first.time;
    first.happen();
    return true;
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    const count = heap.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      const right = child + 1;
      if (right < count && isBefore(heap[right] as Event, heap[child] as Event)) child = right;
      if (!isBefore(heap[child] as Event, event)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
