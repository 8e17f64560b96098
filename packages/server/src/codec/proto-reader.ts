import { int64Words } from './int64-words.ts';

/**
 * Thrown for bytes that are not the protobuf message they claim to be. The text is shown to clients behind
 * `grpc: error unmarshalling request: `.
 */
export class ProtoError extends Error {
  override readonly name = 'ProtoError';
}

const TWO_32 = 4_294_967_296;

/**
 * Reads protobuf wire format from a borrowed buffer. `bytes()` returns views into that buffer, so whoever keeps a
 * view keeps the buffer.
 *
 * Only what the hot requests need is here; everything else goes through the generated code of `@kvorum/api`.
 */
export class ProtoReader {
  pos: number;
  /** Wire type of the tag read last. */
  wireType = 0;
  readonly #buffer: Uint8Array;
  readonly #end: number;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.pos = start;
    this.#end = end;
  }

  /** The next field number, or 0 at the end of the message. */
  next(): number {
    if (this.pos >= this.#end) return 0;
    const tag = this.uint();
    this.wireType = tag & 7;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new ProtoError('proto: illegal tag 0');
    return field;
  }

  /** An unsigned varint as a number; exact up to 2^53, rounded above. */
  uint(): number {
    const buffer = this.#buffer;
    let result = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      if (this.pos >= this.#end) throw new ProtoError('unexpected EOF');
      const byte = buffer[this.pos++] as number;
      result += (byte & 0x7f) * factor;
      if (byte < 0x80) return result;
      factor *= 128;
    }
    throw new ProtoError('proto: integer overflow');
  }

  bool(): boolean {
    this.expect(0);
    return this.uint() !== 0;
  }

  /** An enum or int32 as clients send it: any number, negative ones sign-extended. */
  enumValue(): number {
    return Number(BigInt.asIntN(32, this.int64()));
  }

  /**
   * An int64 as a number. Values beyond 2^53 lose their low bits, which no caller minds: they are compared with
   * revisions, which are safe integers.
   */
  int64Number(): number {
    this.expect(0);
    const start = this.pos;
    const value = this.uint();
    // Ten bytes mean that bit 63 may be set: a negative number.
    return this.pos - start < 10 ? value : Number(this.#int64At(start));
  }

  /** An int64 that fills its 64 bits, such as a lease id. */
  int64(): bigint {
    this.expect(0);
    const start = this.pos;
    const value = this.uint();
    return value <= Number.MAX_SAFE_INTEGER ? BigInt(value) : this.#int64At(start);
  }

  /** A length-delimited field as a view into the buffer. */
  bytes(): Uint8Array {
    this.expect(2);
    const size = this.uint();
    const end = this.pos + size;
    if (end > this.#end) throw new ProtoError('unexpected EOF');
    const view = this.#buffer.subarray(this.pos, end);
    this.pos = end;
    return view;
  }

  /** A reader of an embedded message; this reader continues behind it. */
  message(): ProtoReader {
    this.expect(2);
    const size = this.uint();
    const start = this.pos;
    const end = start + size;
    if (end > this.#end) throw new ProtoError('unexpected EOF');
    this.pos = end;
    return new ProtoReader(this.#buffer, start, end);
  }

  /** Passes over a field that the reader does not know. */
  skip(): void {
    switch (this.wireType) {
      case 0:
        this.uint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.uint());
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw new ProtoError(`proto: illegal wireType ${this.wireType}`);
    }
  }

  /** Refuses a field whose wire type is not the one that its declared type has. */
  expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new ProtoError(`proto: wrong wireType = ${this.wireType}, expected ${wireType}`);
    }
  }

  #advance(size: number): void {
    if (this.pos + size > this.#end) throw new ProtoError('unexpected EOF');
    this.pos += size;
  }

  #int64At(start: number): bigint {
    let low = 0;
    let high = 0;
    for (let count = 0; ; count++) {
      const bits = (this.#buffer[start + count] as number) & 0x7f;
      if (count < 4) low += bits * 2 ** (7 * count);
      else if (count === 4) {
        low += (bits & 0x0f) * 2 ** 28;
        high += bits >> 4;
      } else high += bits * 2 ** (7 * count - 32);
      if ((this.#buffer[start + count] as number) < 0x80) break;
    }
    return int64Words.join(high % TWO_32, low);
  }
}
