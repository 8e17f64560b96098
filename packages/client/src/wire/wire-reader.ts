import { grpcStatus } from '@kvorum/api';
import { ClientError } from '../errors.ts';

/** Wire types of protobuf. */
export const varint = 0;
export const delimited = 2;
const fixed64 = 1;
const fixed32 = 5;

const largestTag = 0xffff_ffff;
const decoder = new TextDecoder();

/**
 * Reads the wire format of protobuf, where the generated code, which knows messages of any kind, takes most of a
 * client's time. Throws `ClientError` "unmapped" for bytes that are none.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;
  #tag = 0;

  /** `what` the answer is to, for people. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at;
  }

  /** Goes on elsewhere, at a place within the bytes. */
  seek(at: number): void {
    this.#at = at;
  }

  /** Throws when more was read than there was until then. */
  isAtEnd(end: number): boolean {
    if (this.#at > end) throw this.#malformed();
    return this.#at === end;
  }

  /** Number and wire type of the next field. */
  tag(): number {
    this.#tag = this.number();
    if (this.#tag < 8 || this.#tag > largestTag) throw this.#malformed();
    return this.#tag;
  }

  /** Where a field with a length ends. */
  end(): number {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw this.#malformed();
    return end;
  }

  bytes(): Uint8Array {
    const end = this.end();
    const start = this.#at;
    this.#at = end;
    // A plain array also where the answer came as a Buffer.
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }

  /** An unsigned varint; exact up to 2^53. */
  number(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#at++] as number;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 128;
    for (let count = 1; count < 10; count++) {
      const byte = bytes[this.#at++];
      if (byte === undefined) throw this.#malformed();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw this.#malformed();
  }

  /** Text in UTF-8. */
  string(): string {
    return decoder.decode(this.bytes());
  }

  int64(): bigint {
    const start = this.#at;
    const value = this.number();
    if (value <= Number.MAX_SAFE_INTEGER) return BigInt(value);
    // Leases fill all 64 bits: seven to a byte.
    let exact = 0n;
    for (let at = this.#at - 1; at >= start; at--) {
      exact = (exact << 7n) | BigInt((this.#bytes[at] ?? 0) & 0x7f);
    }
    return BigInt.asIntN(64, exact);
  }

  /** Passes over the field whose tag was read last. */
  skip(): void {
    switch (this.#tag & 7) {
      case varint:
        this.number();
        break;
      case fixed64:
        this.#at += 8;
        break;
      case delimited:
        this.#at = this.end();
        break;
      case fixed32:
        this.#at += 4;
        break;
      default:
        throw this.#malformed();
    }
    if (this.#at > this.#bytes.length) throw this.#malformed();
  }

  #malformed(): ClientError {
    return new ClientError({
      code: 'unmapped',
      status: grpcStatus.internal,
      message: `the answer to a ${this.#what} cannot be read: does the endpoint speak etcd’s API?`,
    });
  }
}
