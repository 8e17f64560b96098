/**
 * A status message as `grpc-message` carries it: UTF-8, with everything but printable ASCII, and the
 * percent sign itself, as %XX.
 */
export function encodeStatusText(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The message that a `grpc-message` stands for; broken escapes are kept as they are. */
export function decodeStatusText(encoded: string): string {
  if (!encoded.includes('%')) return encoded;
  const bytes = Buffer.alloc(encoded.length);
  let length = 0;
  for (let i = 0; i < encoded.length; i++) {
    const hex = encoded.slice(i + 1, i + 3);
    const isEscape = encoded[i] === '%' && /^[0-9A-Fa-f]{2}$/.test(hex);
    bytes[length++] = isEscape ? Number.parseInt(hex, 16) : encoded.charCodeAt(i);
    if (isEscape) i += 2;
  }
  return bytes.toString('utf8', 0, length);
}
