// Text as Go's fmt package prints it.

/** Bytes in double quotes with Go's escapes, as %q: what is no UTF-8 or cannot be seen is escaped. */
export function goQuote(bytes: Uint8Array): string {
  let out = '"';
  for (const piece of utf8Pieces(bytes)) {
    out += typeof piece === 'number' ? hexEscape(piece) : escaped(piece);
  }
  return `${out}"`;
}

/** Characters of UTF-8; bytes that are none as numbers. */
function* utf8Pieces(bytes: Uint8Array): Generator<string | number> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    yield* decoder.decode(bytes);
    return;
  } catch {
    // Something in it is no UTF-8: look at it piece by piece.
  }
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const piece = bytes.subarray(at, at + length);
    try {
      yield decoder.decode(piece);
      at += length;
    } catch {
      yield bytes[at] ?? 0;
      at += 1;
    }
  }
}

function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

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

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Bytes as text, one character each where they are no UTF-8: for `--hex`, `\x66\x6f`. */
export function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map(hexEscape).join('');
}

/** A number in base 16 with at least 16 digits, as %016x; negative ones keep their sign. */
export function hexId(id: bigint): string {
  const digits = (id < 0n ? -id : id).toString(16);
  return id < 0n ? `-${digits.padStart(15, '0')}` : digits.padStart(16, '0');
}

/** Bytes with an SI unit, as go-humanize: `20 kB`, `2.1 GB`. */
export function humanBytes(size: bigint): string {
  if (size < 10n) return `${size} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  const exponent = Math.floor(Math.log(Number(size)) / Math.log(1000));
  const value = Math.floor((Number(size) / 1000 ** exponent) * 10 + 0.5) / 10;
  const digits = value < 10 ? value.toFixed(1) : String(halfEven(value));
  return `${digits} ${units[exponent] ?? 'EB'}`;
}

/** Rounds as %.0f does: halves to the even neighbour. */
function halfEven(value: number): number {
  const whole = Math.floor(value);
  if (value - whole !== 0.5) return Math.round(value);
  return whole % 2 === 0 ? whole : whole + 1;
}
