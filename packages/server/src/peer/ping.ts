/*
 * A question for the time of a round trip, sent among batches on the control stream, and its own answer:
 *
 *   ping   255 · the sender's clock in ms (8, a float)
 *
 * No batch begins with 255.
 */

const MARK = 255;
const SIZE = 9;

export function encodePing(nowMs: number): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  bytes[0] = MARK;
  new DataView(bytes.buffer).setFloat64(1, nowMs);
  return bytes;
}

export function isPing(bytes: Uint8Array): boolean {
  return bytes.length === SIZE && bytes[0] === MARK;
}

/** When it was sent, by the sender's clock. */
export function pingTime(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, SIZE).getFloat64(1);
}
