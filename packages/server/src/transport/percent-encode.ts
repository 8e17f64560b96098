/**
 * Text as a grpc-message header: printable ASCII but `%` stands for itself, every other byte of the UTF-8 form is
 * percent-encoded (gRPC over HTTP/2, "Status-Message").
 */
export function percentEncode(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
