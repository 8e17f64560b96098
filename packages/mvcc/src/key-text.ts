/**
 * Keys as strings. Maps and sorted trees want strings, and in latin1 (one character per byte) the order
 * of strings is the order of bytes, so a key and its text are the same thing in two shapes.
 */

const { latin1Slice } = Buffer.prototype;

/** The latin1 text of `key`. */
export function keyTextOf(key: Uint8Array): string {
  return latin1Slice.call(key, 0, key.length);
}

/** The bytes of a latin1 text; the inverse of `keyTextOf`. */
export function keyBytesOf(keyText: string): Uint8Array {
  return Buffer.from(keyText, 'latin1');
}
