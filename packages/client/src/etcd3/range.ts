import { Buffer } from 'node:buffer';
import { prefixEnd } from '../key-range.ts';
import { emptyKey, type Text, toBuffer, zeroKey } from './encoding.ts';

/** What stands for a range: a range, one key, [start, end), or all keys with a prefix. */
export type Rangable =
  | Range
  | string
  | Buffer
  | { start: string | Buffer; end: string | Buffer }
  | { prefix: string | Buffer };

/** Keys of [start, end). An empty end stands for one key where requests are made, a zero byte for no end. */
export class Range {
  readonly start: Buffer;
  readonly end: Buffer;

  constructor(start: Buffer | string, end: Buffer | string = emptyKey) {
    this.start = toBuffer(start);
    this.end = toBuffer(end);
  }

  /** All keys that begin with `prefix`; with an empty one, all keys. */
  static prefix(prefix: string | Buffer): Range {
    if (prefix.length === 0) return new Range(zeroKey, zeroKey);
    const start = toBuffer(prefix);
    return new Range(start, toBuffer(prefixEnd(start)));
  }

  /** The range that something stands for. */
  static from(v: Rangable): Range {
    if (v instanceof Range) return v;
    if (typeof v === 'string' || Buffer.isBuffer(v)) return new Range(v);
    return 'prefix' in v ? Range.prefix(v.prefix) : new Range(v.start, v.end);
  }

  /** Whether a key lies in it. Its end is taken as it is: an empty one is beyond all keys. */
  includes(value: string | Buffer): boolean {
    const key = toBuffer(value);
    return compareBounds(this.start, key) <= 0 && compareBounds(this.end, key) > 0;
  }

  /** -1 if it comes before the other one, 1 if it comes after it, 0 if they overlap. */
  compare(other: Range): number {
    const startsBefore = compareBounds(this.start, other.start) < 0;
    if (startsBefore && compareBounds(this.end, other.start) <= 0) return -1;
    return compareBounds(this.start, other.end) >= 0 ? 1 : 0;
  }
}

function compareBounds(a: Buffer, b: Buffer): number {
  if (a.length === 0) return b.length === 0 ? 0 : 1;
  return b.length === 0 ? -1 : a.compare(b);
}

/** What a namespace puts before its keys. */
export class KeyPrefix {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  below(prefix: Text): KeyPrefix {
    return new KeyPrefix(Buffer.concat([this.bytes, toBuffer(prefix)]));
  }

  key(key: Buffer): Buffer {
    return this.bytes.length === 0 ? key : Buffer.concat([this.bytes, key]);
  }

  /** A request for keys of the namespace. */
  apply<R extends { key?: Buffer; range_end?: Buffer }>(request: R): R {
    if (this.bytes.length === 0 || request.key === undefined) return request;
    const { range_end: end } = request;
    const key = this.key(request.key);
    return end === undefined ? { ...request, key } : { ...request, key, range_end: this.#end(end) };
  }

  /** A key of the server as the namespace has it. */
  strip(key: Buffer): Buffer {
    return key.subarray(this.bytes.length);
  }

  #end(end: Buffer): Buffer {
    if (end.length === 0) return end;
    return end.equals(zeroKey) ? toBuffer(prefixEnd(this.bytes)) : this.key(end);
  }
}
