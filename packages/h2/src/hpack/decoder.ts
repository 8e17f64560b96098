import { H2Error } from '../errors.ts';
import { byteAt, defaultHeaderTableBytes, ErrorCode } from '../frames.ts';
import { BlockCache } from './block-cache.ts';
import { DynamicTable } from './dynamic-table.ts';
import { HeaderBlock } from './header-block.ts';
import { HeaderField } from './header-field.ts';
import { decodeHuffman } from './huffman.ts';
import { staticTable, staticTableLength } from './static-table.ts';

/** What a header list may hold; beyond it the block is decoded, but not kept. */
export interface HeaderListLimits {
  /** Bytes, counted with 32 of overhead per field (RFC 9113 §6.5.2). */
  readonly maxHeaderListBytes: number;
  readonly maxHeaderFields: number;
}

/**
 * A list that unpacks to so many times what is allowed is no long list but an attack (an HPACK bomb):
 * what a block of the allowed size holds in plain literals, with its overhead, is less.
 */
const bombFactor = 4;

/** An integer this long addresses nothing that fits a frame; stops overlong codings too. */
const maxInteger = 0xff_ffff;

/**
 * Reads field blocks (RFC 7541). One per connection and direction: every block must pass through it, in
 * order, even those nobody wants, for the tables at both ends to stay the same.
 */
export class HpackDecoder {
  readonly #limits: HeaderListLimits;
  /** What our SETTINGS_HEADER_TABLE_SIZE allows the peer to use, in bytes. */
  readonly #maxTableBytes: number;
  readonly #table: DynamicTable;
  readonly #cache = new BlockCache();
  #scratch: Buffer = Buffer.allocUnsafe(256);
  // The block being read.
  #bytes: Buffer = emptyBuffer;
  #at = 0;
  #end = 0;

  constructor(limits: HeaderListLimits, maxTableBytes: number = defaultHeaderTableBytes) {
    this.#limits = limits;
    this.#maxTableBytes = maxTableBytes;
    this.#table = new DynamicTable(maxTableBytes);
  }

  /** Bytes in the dynamic table now. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * Decodes the complete block in `[start, end)`; the bytes are only borrowed. Throws `H2Error`
   * "protocol" with COMPRESSION_ERROR, or "limit" with ENHANCE_YOUR_CALM, after which the connection
   * cannot go on.
   */
  decode(bytes: Buffer, start: number, end: number): HeaderBlock {
    const version = this.#table.version;
    const cached = this.#cache.find(bytes, start, end, version);
    if (cached !== undefined) return cached;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const block = this.#decodeBlock();
    this.#bytes = emptyBuffer;
    // A block that changed the table would mean something else, or do more, the next time.
    if (version === this.#table.version) this.#cache.store(bytes, start, end, version, block);
    return block;
  }

  #decodeBlock(): HeaderBlock {
    const fields: HeaderField[] = [];
    let size = 0;
    let tooLarge = false;
    while (this.#at < this.#end) {
      const first = byteAt(this.#bytes, this.#at);
      if ((first & 0xe0) === 0x20) {
        if (fields.length > 0 || tooLarge) fail('table size update inside a block');
        this.#updateTableSize();
        continue;
      }
      const field = this.#decodeField(first);
      size += field.size;
      if (size > this.#limits.maxHeaderListBytes || fields.length >= this.#limits.maxHeaderFields) {
        tooLarge = true;
        if (size > bombFactor * this.#limits.maxHeaderListBytes) failAsBomb();
      } else {
        fields.push(field);
      }
    }
    return new HeaderBlock(fields, tooLarge);
  }

  #decodeField(first: number): HeaderField {
    if ((first & 0x80) !== 0) return this.#indexed(this.#integer(7));
    if ((first & 0x40) !== 0) {
      const field = this.#literal(6);
      this.#table.add(field);
      return field;
    }
    return this.#literal(4);
  }

  #literal(prefixBits: number): HeaderField {
    const nameIndex = this.#integer(prefixBits);
    if (nameIndex === 0) {
      const name = this.#string();
      return new HeaderField(name, this.#string());
    }
    const named = this.#indexed(nameIndex);
    return new HeaderField(named.name, this.#string(), named.nameId);
  }

  #indexed(index: number): HeaderField {
    if (index === 0) fail('index 0');
    if (index <= staticTableLength) return staticTable[index - 1] as HeaderField;
    const dynamic = index - staticTableLength - 1;
    if (dynamic >= this.#table.count) fail(`index ${index} is beyond the table`);
    return this.#table.at(dynamic);
  }

  #updateTableSize(): void {
    const size = this.#integer(5);
    if (size > this.#maxTableBytes) fail(`table size ${size} is over ${this.#maxTableBytes}`);
    this.#table.resize(size);
  }

  /** An integer whose first byte, at the cursor, has `prefixBits` bits of it (RFC 7541 §5.1). */
  #integer(prefixBits: number): number {
    if (this.#at >= this.#end) fail('ends inside a field');
    const mask = (1 << prefixBits) - 1;
    let value = byteAt(this.#bytes, this.#at++) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) fail('ends inside an integer');
      if (shift > 21) fail('integer is too long');
      const byte = byteAt(this.#bytes, this.#at++);
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) break;
    }
    if (value > maxInteger) fail('integer is too large');
    return value;
  }

  #string(): string {
    if (this.#at >= this.#end) fail('ends inside a field');
    const isHuffman = (byteAt(this.#bytes, this.#at) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) fail('ends inside a string');
    this.#at = end;
    if (!isHuffman) return this.#bytes.toString('latin1', start, end);
    if (length * 2 > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(length * 2);
    const decoded = decodeHuffman(this.#bytes, start, end, this.#scratch);
    if (decoded < 0) fail('invalid Huffman coding');
    return this.#scratch.toString('latin1', 0, decoded);
  }
}

const emptyBuffer: Buffer = Buffer.alloc(0);

function failAsBomb(): never {
  const text = 'header compression: a block unpacks to too much';
  throw new H2Error('limit', text, ErrorCode.enhanceYourCalm);
}

function fail(what: string): never {
  throw new H2Error('protocol', `header compression: ${what}`, ErrorCode.compressionError);
}
