import { encodeHuffman, huffmanLength } from '../../hpack/huffman.ts';
import { staticTable, staticTableLength } from '../../hpack/static-table.ts';
import type { Prng } from './prng.ts';

/** A field as it is written down: name and value, one character per byte. */
export type Field = readonly [name: string, value: string];

const defaultCapacity = 4096;

/**
 * Writes header blocks in every way RFC 7541 allows, chosen at random: indexed or not, never indexed,
 * Huffman-coded or not, with a table that shrinks and grows. A well-behaved encoder never would.
 */
export class HpackWriter {
  readonly #random: Prng;
  /** What the other end's dynamic table holds, newest first. */
  #entries: Field[] = [];
  #size = 0;
  #capacity = defaultCapacity;

  constructor(random: Prng) {
    this.#random = random;
  }

  block(fields: readonly Field[]): Buffer {
    const parts: Buffer[] = [];
    const random = this.#random;
    if (random.percent(6)) {
      const updates = random.between(1, 2);
      for (let i = 0; i < updates; i++) {
        const capacity = random.pick([0, 40, 200, 1000, 4095, defaultCapacity]);
        parts.push(integer(0x20, 5, capacity));
        this.#capacity = capacity;
        this.#evictTo(capacity);
      }
    }
    for (const field of fields) this.#field(field, parts);
    return Buffer.concat(parts);
  }

  /** The same, leaving the table alone: any receiver understands it, whatever its table holds. */
  static plainBlock(fields: readonly Field[]): Buffer {
    const parts = fields.map(([name, value]) =>
      Buffer.concat([Buffer.from([0]), text(name, false), text(value, false)]),
    );
    return Buffer.concat(parts);
  }

  #field(field: Field, parts: Buffer[]): void {
    const random = this.#random;
    const [name, value] = field;
    const known = this.#indexOf(([n, v]) => n === name && v === value);
    if (known > 0 && random.percent(75)) {
      parts.push(integer(0x80, 7, known));
      return;
    }
    const kind = random.below(4);
    const named = random.percent(70) ? this.#indexOf(([n]) => n === name) : 0;
    if (kind <= 1) parts.push(integer(0x40, 6, named));
    else parts.push(integer(kind === 2 ? 0x00 : 0x10, 4, named));
    if (named === 0) parts.push(text(name, random.percent(50)));
    parts.push(text(value, random.percent(50)));
    if (kind <= 1) this.#add(field);
  }

  /** The index of a field that fits, one of several at random; 0: there is none. */
  #indexOf(fits: (field: Field) => boolean): number {
    const found: number[] = [];
    staticTable.forEach(({ name, value }, i) => {
      if (fits([name, value])) found.push(i + 1);
    });
    this.#entries.forEach((entry, i) => {
      if (fits(entry)) found.push(staticTableLength + 1 + i);
    });
    return found.length === 0 ? 0 : this.#random.pick(found);
  }

  #add(field: Field): void {
    this.#entries.unshift(field);
    this.#size += sizeOf(field);
    this.#evictTo(this.#capacity);
  }

  #evictTo(capacity: number): void {
    while (this.#size > capacity) this.#size -= sizeOf(this.#entries.pop() as Field);
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + 32;
}

/** An integer behind the bits of a pattern (RFC 7541 §5.1). */
export function integer(pattern: number, prefixBits: number, value: number): Buffer {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Buffer.from([pattern | value]);
  const bytes = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A string, with its length (RFC 7541 §5.2). */
export function text(value: string, isHuffman: boolean): Buffer {
  if (!isHuffman) return Buffer.concat([integer(0, 7, value.length), Buffer.from(value, 'latin1')]);
  const length = huffmanLength(value);
  const coded = Buffer.alloc(length);
  encodeHuffman(value, coded, 0);
  return Buffer.concat([integer(0x80, 7, length), coded]);
}
