/** What keys and values are given as. Text is written as UTF-8; bytes are borrowed until the call is sent. */
export type Bytes = string | Uint8Array;

const encoder = new TextEncoder();
// A byte order mark is part of the text, and what is no UTF-8 must not turn into other text unseen.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function toBytes(value: Bytes): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

/** Throws `TypeError` for bytes that are no UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * A value written as JSON: `client.put('limits', json({ cpu: 2 }))`. What JSON cannot say, such as `undefined` or a
 * bigint, throws `TypeError`.
 */
export function json(value: unknown): Uint8Array {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  return encoder.encode(text);
}

export function concatBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The same bytes as nothing but a `Uint8Array`: in Node they come as Buffers, which compare and slice otherwise. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The smallest key after this one. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return concatBytes(key, Uint8Array.of(0));
}

/** Negative, zero or positive: in the order that the server has keys in. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Text of one character a byte, for maps: equal for equal bytes, and in their order. */
export function asMapKey(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function fromMapKey(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
