import { invariant } from '../invariant.ts';

/** The symbol that never occurs; its leading bits pad the last byte. */
export const endOfString = 256;

/** Bits of each symbol's code, 0 to 255 and then end-of-string (RFC 7541 appendix B). */
// biome-ignore format: sixteen symbols a line, as in the tables of the RFC.
export const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

/**
 * The codes, right-aligned. The code is canonical: symbols sorted by length, then by value, count up, and
 * the count is shifted left wherever the length grows. So the lengths say everything.
 */
export const codes: Uint32Array = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const lengthOf = (symbol: number): number => codeLengths[symbol] ?? 0;
  const order = codeLengths.map((_, symbol) => symbol);
  order.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const table = new Uint32Array(codeLengths.length);
  let code = 0;
  let length = lengthOf(order[0] ?? 0);
  for (const symbol of order) {
    code <<= lengthOf(symbol) - length;
    length = lengthOf(symbol);
    table[symbol] = code;
    code += 1;
  }
  // A complete code ends with all ones, and the longest of all is end-of-string.
  invariant(code === 2 ** length, 'the Huffman code is complete');
  return table;
}
