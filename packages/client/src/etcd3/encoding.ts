import { Buffer } from 'node:buffer';

/** What keys and values may be given as. */
export type Text = string | Buffer;

/** What 64-bit numbers may be given as; they come as text. */
export type Int64 = string | number | bigint;

export const emptyKey = Buffer.alloc(0);
/** As the end of a range: all keys from its start on. */
export const zeroKey = Buffer.from([0]);

/** The same bytes as a Buffer; text as UTF-8. */
export function toBuffer(input: string | number | Uint8Array): Buffer {
  if (Buffer.isBuffer(input)) return input;
  if (typeof input === 'string') return Buffer.from(input);
  if (typeof input === 'number') return Buffer.from(String(input));
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength);
}

/** Throws `TypeError`, `SyntaxError` or `RangeError` for what is no whole number. */
export function toInt64(value: Int64 | undefined): bigint {
  return value === undefined ? 0n : BigInt(value);
}
