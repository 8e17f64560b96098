// Bytes as text, when they need not be UTF-8: a byte that is no part of a character becomes a lone surrogate, U+DC00
// and the byte, and comes back as that byte. (Python calls this "surrogateescape".)

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text that `bytesOfText` turns back into the same bytes. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return [...utf8Pieces(bytes)]
      .map((piece) => (typeof piece === 'number' ? String.fromCharCode(0xdc00 + piece) : piece))
      .join('');
  }
}

/** The UTF-8 of a text; lone surrogates from U+DC80 to U+DCFF stand for one byte each. */
export function bytesOfText(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const pieces: Uint8Array[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const isByte = point >= 0xdc80 && point <= 0xdcff;
    pieces.push(isByte ? Uint8Array.of(point - 0xdc00) : encoder.encode(character));
  }
  return Buffer.concat(pieces);
}

/** Characters of UTF-8; bytes that are no part of one as numbers. */
export function* utf8Pieces(bytes: Uint8Array): Generator<string | number> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + sequenceLength(bytes[at] ?? 0));
    try {
      yield strict.decode(piece);
      at += piece.length;
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
