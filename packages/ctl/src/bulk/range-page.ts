/** A key-value as views into a page: valid as long as the page is. */
export interface PageKeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** 0n: none. */
  readonly lease: bigint;
}

/**
 * A RangeResponse read by hand: with a million keys, making messages of them takes far longer than everything else.
 *
 *     header = 1 { revision = 3 }   kvs = 2   more = 3   count = 4
 *     KeyValue: key = 1   create_revision = 2   mod_revision = 3   version = 4   value = 5   lease = 6
 */
export class RangePage {
  readonly #bytes: Buffer;
  /** Start and end of each key-value in the bytes. */
  readonly #places: number[] = [];
  /** The store's revision when the page was read. */
  readonly revision: number = 0;
  /** Whether the limit cut it short. */
  readonly more: boolean = false;
  /** Keys of the whole range that was asked for. */
  readonly count: number = 0;

  /** Borrows the bytes. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const cursor = new Cursor(this.#bytes, 0, bytes.byteLength);
    while (cursor.next()) {
      if (cursor.field === 1) this.revision = revisionOf(this.#bytes, cursor.start, cursor.end);
      else if (cursor.field === 2) this.#places.push(cursor.start, cursor.end);
      else if (cursor.field === 3) this.more = cursor.number !== 0;
      else if (cursor.field === 4) this.count = cursor.number;
    }
  }

  /** Key-values in it. */
  get length(): number {
    return this.#places.length / 2;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The key-value at a position in [0, length). */
  at(position: number): PageKeyValue {
    const start = this.#places[2 * position] ?? 0;
    const cursor = new Cursor(this.#bytes, start, this.#places[2 * position + 1] ?? start);
    const found = {
      key: empty,
      value: empty,
      createRevision: 0,
      modRevision: 0,
      version: 0,
      lease: 0n,
    };
    while (cursor.next()) {
      if (cursor.field === 1) found.key = this.#bytes.subarray(cursor.start, cursor.end);
      else if (cursor.field === 2) found.createRevision = cursor.number;
      else if (cursor.field === 3) found.modRevision = cursor.number;
      else if (cursor.field === 4) found.version = cursor.number;
      else if (cursor.field === 5) found.value = this.#bytes.subarray(cursor.start, cursor.end);
      else if (cursor.field === 6) found.lease = cursor.bigNumber();
    }
    return found;
  }

  *[Symbol.iterator](): Generator<PageKeyValue> {
    for (let position = 0; position < this.length; position++) yield this.at(position);
  }
}

const empty: Buffer = Buffer.alloc(0);

function revisionOf(bytes: Buffer, start: number, end: number): number {
  const cursor = new Cursor(bytes, start, end);
  while (cursor.next()) if (cursor.field === 3) return cursor.number;
  return 0;
}

/** Goes through the fields of one message in [start, end). */
class Cursor {
  field = 0;
  /** Of a field with a length: where its bytes are. Of a number: where its varint is. */
  start = 0;
  end = 0;
  readonly #bytes: Buffer;
  readonly #limit: number;
  #at: number;

  constructor(bytes: Buffer, start: number, limit: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#limit = limit;
  }

  /** Steps to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#limit) return false;
    const tag = this.#varint();
    this.field = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === 2) {
      const size = this.#varint();
      this.start = this.#at;
      this.#at += size;
    } else {
      this.start = this.#at;
      if (wireType === 0) this.#skipVarint();
      else this.#at += wireType === 1 ? 8 : 4;
    }
    this.end = this.#at;
    return true;
  }

  /** The number at hand: exact up to 2^53, as revisions are. */
  get number(): number {
    let value = 0;
    let scale = 1;
    for (let at = this.start; at < this.end; at++) {
      value += ((this.#bytes[at] ?? 0) & 0x7f) * scale;
      scale *= 128;
    }
    return value;
  }

  /** The number at hand, signed, with all its 64 bits. */
  bigNumber(): bigint {
    let value = 0n;
    for (let at = this.end - 1; at >= this.start; at--) {
      value = (value << 7n) | BigInt((this.#bytes[at] ?? 0) & 0x7f);
    }
    return BigInt.asIntN(64, value);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  #skipVarint(): void {
    while ((this.#bytes[this.#at++] ?? 0) >= 0x80);
  }
}
