// CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, sixteen bytes a step ("slicing by 16").
//
// The native package @node-rs/crc32 was measured beside it (bench/crc.bench.ts). A call into native code
// costs 130-160 ns before the first byte is looked at: the tables win up to 200 bytes, are even at 300, the
// size of most records, and lose by two at 1 KiB and three at 64 KiB. Not enough for a dependency.

const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;

/** Table k, at [256k, 256k + 256), advances a byte past k zero bytes. One flat array stays in cache. */
const TABLE = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const shorter = tables[at - 256] as number;
    tables[at] = (shorter >>> 8) ^ (tables[shorter & 255] as number);
  }
  return tables;
}

/**
 * The CRC-32C of everything behind `previous` followed by `bytes`; start with 0. Reads `bytes`, keeps nothing.
 *
 * Rolling: `crc32c(crc32c(0, a), b)` is the checksum of `a` and `b` joined. The result is an unsigned 32-bit
 * number.
 */
export function crc32c(previous: number, bytes: Uint8Array): number {
  const size = bytes.length;
  const whole = size - (size % SLICES);
  let crc = ~previous;
  let i = 0;
  for (; i < whole; i += SLICES) {
    crc =
      at(TABLE, 3840 | ((crc ^ at(bytes, i)) & 255)) ^
      at(TABLE, 3584 | (((crc >>> 8) ^ at(bytes, i + 1)) & 255)) ^
      at(TABLE, 3328 | (((crc >>> 16) ^ at(bytes, i + 2)) & 255)) ^
      at(TABLE, 3072 | ((crc >>> 24) ^ at(bytes, i + 3))) ^
      at(TABLE, 2816 | at(bytes, i + 4)) ^
      at(TABLE, 2560 | at(bytes, i + 5)) ^
      at(TABLE, 2304 | at(bytes, i + 6)) ^
      at(TABLE, 2048 | at(bytes, i + 7)) ^
      at(TABLE, 1792 | at(bytes, i + 8)) ^
      at(TABLE, 1536 | at(bytes, i + 9)) ^
      at(TABLE, 1280 | at(bytes, i + 10)) ^
      at(TABLE, 1024 | at(bytes, i + 11)) ^
      at(TABLE, 768 | at(bytes, i + 12)) ^
      at(TABLE, 512 | at(bytes, i + 13)) ^
      at(TABLE, 256 | at(bytes, i + 14)) ^
      at(TABLE, at(bytes, i + 15));
  }
  for (; i < size; i++) crc = (crc >>> 8) ^ at(TABLE, (crc ^ at(bytes, i)) & 255);
  return ~crc >>> 0;
}

/** The element, which is there: indexes above stay in range by construction. Inlined, it costs nothing. */
function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] as number;
}
