import { bytesOfText, utf8Pieces } from './byte-text.ts';

const namedEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Bytes in double quotes with Go's escapes, as %q: what is no UTF-8 or cannot be seen is escaped. */
export function goQuote(bytes: Uint8Array | string): string {
  let out = '"';
  const pieces = utf8Pieces(typeof bytes === 'string' ? bytesOfText(bytes) : bytes);
  for (const piece of pieces) out += typeof piece === 'number' ? hexEscape(piece) : escaped(piece);
  return `${out}"`;
}

function escaped(character: string): string {
  const named = namedEscapes[character];
  if (named !== undefined) return named;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20 || point === 0x7f) return hexEscape(point);
  // What Go calls printable: letters, marks, numbers, punctuation, symbols, and the ASCII space.
  if (character === ' ' || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character)) return character;
  const digits = point.toString(16);
  return point > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

/** A byte as `\x0a`. */
export function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

const plainEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
};

/** The text of a Go string in double quotes or backquotes, as `textOfBytes` writes it; undefined if it is none. */
export function goUnquote(quoted: string): string | undefined {
  if (/^`[^`]*`$/.test(quoted)) return quoted.slice(1, -1);
  if (!/^"(?:[^"\\\n]|\\[^\n])*"$/s.test(quoted)) return undefined;
  let out = '';
  const piece =
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))|([^\\]+)/gy;
  const body = quoted.slice(1, -1);
  while (piece.lastIndex < body.length) {
    const match = piece.exec(body);
    if (match === null) return undefined;
    const [, hex, short, long, octal, letter, plain] = match;
    const character = letter === undefined ? undefined : plainEscapes[letter];
    const point = short ?? long;
    if (plain !== undefined) out += plain;
    else if (hex !== undefined) out += byteText(Number.parseInt(hex, 16));
    else if (octal !== undefined) out += byteText(Number.parseInt(octal, 8));
    else if (point !== undefined && Number.parseInt(point, 16) <= 0x10ffff) {
      out += String.fromCodePoint(Number.parseInt(point, 16));
    } else if (character !== undefined) out += String.fromCharCode(character);
    else return undefined;
  }
  return out;
}

function byteText(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);
}
