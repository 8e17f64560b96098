import { defaultHeaderTableBytes } from '../frames.ts';
import { DynamicTable } from './dynamic-table.ts';
import type { HeaderField } from './header-field.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';
import { staticTable, staticTableLength } from './static-table.ts';

/** Names whose values differ each time: remembering them would only push out what repeats. */
const unindexedNames: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'date',
  'etag',
  'grpc-message',
  'grpc-status-details-bin',
  'grpc-timeout',
  'last-modified',
  'location',
]);

/** Short secrets, which no hop may put into a table (RFC 7541 §7.1.3). */
const secretNames: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie']);

/** A field over this part of the table is sent as a literal: it would evict too much. */
const maxIndexedShare = 0.25;

/**
 * Writes field blocks (RFC 7541). One per connection and direction; blocks must reach the wire in the
 * order in which they were encoded.
 *
 * What goes into the table is Huffman-coded, since it is sent once; what does not is sent as it is, since
 * saving its fifth of the bytes costs more time than sending them.
 */
export class HpackEncoder {
  readonly #table: DynamicTable = new DynamicTable(defaultHeaderTableBytes);
  /** The number (`DynamicTable.added`) of the newest field with this name and value, or name. */
  readonly #numberByField = new Map<string, number>();
  readonly #numberByName = new Map<string, number>();
  /** Most bytes we use, whatever the peer allows. */
  readonly #ownMaxTableBytes: number;
  /** The smallest size since the last block, to be told before the next (RFC 7541 §4.2). */
  #smallestPending = -1;
  #bytes: Uint8Array = new Uint8Array(512);
  #at = 0;

  constructor(ownMaxTableBytes: number = defaultHeaderTableBytes) {
    this.#ownMaxTableBytes = ownMaxTableBytes;
    if (ownMaxTableBytes < defaultHeaderTableBytes) this.allowTableBytes(ownMaxTableBytes);
  }

  /** Equal versions: the same fields give the same bytes, and encoding them again changes nothing. */
  get version(): number {
    return this.#table.version;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  allowTableBytes(peerMaxTableBytes: number): void {
    const capacity = Math.min(peerMaxTableBytes, this.#ownMaxTableBytes);
    if (capacity === this.#table.capacity) return;
    this.#table.resize(capacity);
    if (this.#smallestPending < 0 || capacity < this.#smallestPending) {
      this.#smallestPending = capacity;
    }
  }

  /** One block. The result is the encoder's own and holds until the next call. */
  encode(fields: readonly HeaderField[]): Uint8Array {
    this.#at = 0;
    if (this.#smallestPending >= 0) {
      this.#reserve(16);
      if (this.#smallestPending < this.#table.capacity) {
        this.#integer(0x20, 5, this.#smallestPending);
      }
      this.#integer(0x20, 5, this.#table.capacity);
      this.#smallestPending = -1;
      // What follows this block must not repeat the update: blocks kept from here are outdated.
      this.#table.version += 1;
    }
    for (const field of fields) this.#field(field);
    return this.#bytes.subarray(0, this.#at);
  }

  #field(field: HeaderField): void {
    this.#reserve(field.name.length + field.value.length + 24);
    const key = keyOf(field);
    const index = staticFields.get(key) ?? this.#dynamicIndex(this.#numberByField.get(key));
    if (index !== undefined) {
      this.#integer(0x80, 7, index);
      return;
    }
    const nameIndex =
      staticNames.get(field.name) ?? this.#dynamicIndex(this.#numberByName.get(field.name)) ?? 0;
    if (secretNames.has(field.name)) {
      this.#literal(0x10, 4, nameIndex, field, false);
    } else if (this.#isWorthIndexing(field)) {
      this.#literal(0x40, 6, nameIndex, field, true);
      this.#remember(field, key);
    } else {
      this.#literal(0x00, 4, nameIndex, field, false);
    }
  }

  #isWorthIndexing(field: HeaderField): boolean {
    if (field.size > this.#table.capacity * maxIndexedShare) return false;
    return !unindexedNames.has(field.name);
  }

  #remember(field: HeaderField, key: string): void {
    this.#table.add(field);
    // Numbers of evicted fields stay behind; clear them out before they become many.
    if (this.#numberByField.size > 4 * this.#table.count + 64) {
      this.#numberByField.clear();
      this.#numberByName.clear();
      for (let i = this.#table.count - 1; i > 0; i--) {
        const held = this.#table.at(i);
        this.#numberByField.set(keyOf(held), this.#table.added - i);
        this.#numberByName.set(held.name, this.#table.added - i);
      }
    }
    this.#numberByField.set(key, this.#table.added);
    this.#numberByName.set(field.name, this.#table.added);
  }

  #dynamicIndex(number: number | undefined): number | undefined {
    if (number === undefined) return undefined;
    const age = this.#table.added - number;
    return age < this.#table.count ? staticTableLength + 1 + age : undefined;
  }

  #literal(
    pattern: number,
    prefixBits: number,
    nameIndex: number,
    field: HeaderField,
    isHuffman: boolean,
  ): void {
    this.#integer(pattern, prefixBits, nameIndex);
    if (nameIndex === 0) this.#string(field.name, isHuffman);
    this.#string(field.value, isHuffman);
  }

  #string(text: string, mayHuffman: boolean): void {
    if (mayHuffman) {
      const length = huffmanLength(text);
      if (length < text.length) {
        this.#integer(0x80, 7, length);
        this.#at = encodeHuffman(text, this.#bytes, this.#at);
        return;
      }
    }
    this.#integer(0x00, 7, text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  #integer(pattern: number, prefixBits: number, value: number): void {
    const mask = (1 << prefixBits) - 1;
    if (value < mask) {
      this.#bytes[this.#at++] = pattern | value;
      return;
    }
    this.#bytes[this.#at++] = pattern | mask;
    let rest = value - mask;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function keyOf(field: HeaderField): string {
  return `${field.name}\0${field.value}`;
}

const staticFields: ReadonlyMap<string, number> = new Map(
  staticTable.map((field, i) => [keyOf(field), i + 1]),
);

/** The first index of each name. */
const staticNames: ReadonlyMap<string, number> = new Map(
  staticTable.map((field, i): [string, number] => [field.name, i + 1]).reverse(),
);
