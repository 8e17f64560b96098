import { HeaderField } from './header-field.ts';

/**
 * The fields both ends have agreed to remember, newest first, up to a size in bytes (RFC 7541 §2.3.2).
 * A ring: adding and evicting move two numbers.
 */
export class DynamicTable {
  /** Grows by one with every change of the content: equal versions mean equal tables. */
  version = 0;
  /** Fields ever added. The newest has this number, so a field's number never changes. */
  added = 0;
  /** Bytes in use, each field with its overhead; never over `capacity`. */
  size = 0;
  /** Fields held now. */
  count = 0;
  /** Bytes that may be used. */
  capacity: number;
  #ring: HeaderField[] = new Array(16).fill(emptyField);

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The field at an index from 0, the newest, to `count - 1`; the caller has checked the range. */
  at(index: number): HeaderField {
    const ring = this.#ring;
    return ring[(this.added - index) & (ring.length - 1)] as HeaderField;
  }

  /** Adds a field and evicts what has no room any more; a field over the capacity empties the table. */
  add(field: HeaderField): void {
    this.version += 1;
    this.#evictTo(this.capacity - field.size);
    if (field.size > this.capacity) return;
    if (this.count === this.#ring.length) this.#grow();
    this.added += 1;
    this.count += 1;
    this.size += field.size;
    this.#ring[this.added & (this.#ring.length - 1)] = field;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
    this.version += 1;
    this.#evictTo(capacity);
  }

  #evictTo(size: number): void {
    const ring = this.#ring;
    while (this.count > 0 && this.size > size) {
      this.count -= 1;
      const slot = (this.added - this.count) & (ring.length - 1);
      this.size -= (ring[slot] as HeaderField).size;
      ring[slot] = emptyField;
    }
  }

  #grow(): void {
    const held: HeaderField[] = [];
    for (let i = this.count - 1; i >= 0; i--) held.push(this.at(i));
    const ring: HeaderField[] = new Array(this.#ring.length * 2).fill(emptyField);
    held.forEach((field, i) => {
      ring[(this.added - this.count + 1 + i) & (ring.length - 1)] = field;
    });
    this.#ring = ring;
  }
}

const emptyField = new HeaderField('', '');
