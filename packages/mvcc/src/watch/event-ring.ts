import type { StoreEvent } from '../store-event.ts';

/** What an event costs in memory beside its key and values: the object, its text, its array headers. */
const EVENT_OVERHEAD_BYTES = 400;
const INITIAL_SLOTS = 1024;

/**
 * The newest events, in order, within a budget of bytes. It holds whole revisions without a gap:
 * every event with `firstRevision` <= main < `nextRevision`.
 *
 *        slots   [ 8.0 | 8.1 | 9.0 | ... | 5.0 | 6.0 | 7.0 ]     5.0 is oldest, 9.0 newest
 *                              ^ tail      ^ head                 (both count on; slot = count & mask)
 */
export class EventRing {
  readonly #maxBytes: number;
  #slots: (StoreEvent | undefined)[] = new Array(INITIAL_SLOTS).fill(undefined);
  /** Counts of events ever dropped and ever added. The slots are a power of two, so counts wrap by mask. */
  #head = 0;
  #tail = 0;
  #bytes = 0;
  #nextRevision: number;

  /** Starts empty, behind `revision`. `maxBytes` bounds the keys, values and objects that it keeps alive. */
  constructor(maxBytes: number, revision: number) {
    this.#maxBytes = maxBytes;
    this.#nextRevision = revision + 1;
  }

  /** The oldest revision held; `nextRevision` when empty. */
  get firstRevision(): number {
    return this.#head === this.#tail ? this.#nextRevision : this.#at(this.#head).main;
  }

  /** The revision behind the newest one. */
  get nextRevision(): number {
    return this.#nextRevision;
  }

  get size(): number {
    return this.#tail - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the events of a commit, which ended at `revision`, and drops the oldest revisions over budget. */
  append(events: readonly StoreEvent[], revision: number): void {
    for (const event of events) {
      if (this.size === this.#slots.length) this.#grow();
      this.#slots[this.#tail & (this.#slots.length - 1)] = event;
      this.#tail += 1;
      this.#bytes += eventBytes(event);
    }
    this.#nextRevision = revision + 1;
    while (this.#bytes > this.#maxBytes && this.size > 0) this.#dropRevision();
  }

  /**
   * Appends to `out` the events of whole revisions from `from` on, below `until`; stops before the revision that
   * would go over a limit, but not before the first. Returns the first revision not covered.
   */
  read(
    from: number,
    until: number,
    limitEvents: number,
    limitBytes: number,
    out: StoreEvent[],
  ): number {
    let bytes = 0;
    let count = this.#find(from);
    while (count < this.#tail) {
      const { main } = this.#at(count);
      if (main >= until) return until;
      const end = this.#endOfRevision(count);
      for (let i = count; i < end; i += 1) bytes += eventBytes(this.#at(i));
      if (out.length > 0 && (out.length + end - count > limitEvents || bytes > limitBytes)) {
        return main;
      }
      for (let i = count; i < end; i += 1) out.push(this.#at(i));
      count = end;
    }
    return Math.min(this.#nextRevision, until);
  }

  /** Number of events held with main >= `from`. */
  countFrom(from: number): number {
    return this.#tail - this.#find(from);
  }

  /** Count of the first event with main >= `from`. */
  #find(from: number): number {
    let low = this.#head;
    let high = this.#tail;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#at(middle).main < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #endOfRevision(count: number): number {
    const { main } = this.#at(count);
    let end = count + 1;
    while (end < this.#tail && this.#at(end).main === main) end += 1;
    return end;
  }

  #dropRevision(): void {
    const end = this.#endOfRevision(this.#head);
    for (; this.#head < end; this.#head += 1) {
      this.#bytes -= eventBytes(this.#at(this.#head));
      this.#slots[this.#head & (this.#slots.length - 1)] = undefined;
    }
  }

  #grow(): void {
    const slots: (StoreEvent | undefined)[] = new Array(this.#slots.length * 2).fill(undefined);
    for (let i = this.#head; i < this.#tail; i += 1) slots[i & (slots.length - 1)] = this.#at(i);
    this.#slots = slots;
  }

  #at(count: number): StoreEvent {
    return this.#slots[count & (this.#slots.length - 1)] as StoreEvent;
  }
}

function eventBytes(event: StoreEvent): number {
  // The key counts twice: as bytes and as text.
  const prevBytes = event.prev === undefined ? 0 : event.prev.length;
  return EVENT_OVERHEAD_BYTES + 2 * event.key.length + event.kv.length + prevBytes;
}
