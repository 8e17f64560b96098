/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), eight bytes a step. */

const POLYNOMIAL = 0x82f6_3b78;
/** Table k gives the CRC of a byte followed by k zero bytes. */
const TABLES = makeTables();

/**
 * Continues a CRC-32C over `bytes`; start with 0. Feeding pieces one after the other gives the CRC of
 * all of them together.
 */
export function crc32c(crc: number, bytes: Uint8Array): number {
  let state = ~crc;
  let at = 0;
  const wholeEnd = bytes.length - (bytes.length % 8);
  for (; at < wholeEnd; at += 8) {
    const low = state ^ word(bytes, at);
    state =
      entry(7, low & 0xff) ^
      entry(6, (low >>> 8) & 0xff) ^
      entry(5, (low >>> 16) & 0xff) ^
      entry(4, low >>> 24) ^
      entry(3, bytes[at + 4] ?? 0) ^
      entry(2, bytes[at + 5] ?? 0) ^
      entry(1, bytes[at + 6] ?? 0) ^
      entry(0, bytes[at + 7] ?? 0);
  }
  for (; at < bytes.length; at++) {
    state = (state >>> 8) ^ entry(0, (state ^ (bytes[at] ?? 0)) & 0xff);
  }
  return ~state >>> 0;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function entry(table: number, byte: number): number {
  return TABLES[table * 256 + byte] ?? 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] ?? 0;
    tables[i] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
  }
  return tables;
}
