import { isUtf8 } from 'node:buffer';

/*
 * Texts of v2 keys and values are bytes: strings of latin1 characters, one for each byte, so that they sort and compare
 * as the bytes do. Only what is written as JSON is text.
 */

/** A text of bytes as Go's encoding/json writes it, quotes and all: `\ufffd` stands for each byte that is no UTF-8. */
export function goJsonString(byteText: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: every ASCII character stands for itself.
  if (/^[\x00-\x7f]*$/.test(byteText)) return goJsonText(byteText);
  const bytes = Buffer.from(byteText, 'latin1');
  return isUtf8(bytes) ? goJsonText(bytes.toString('utf8')) : mendedJson(bytes);
}

/** A text, not of bytes, as Go's encoding/json writes it. It escapes what means something in HTML or ends a line. */
export function goJsonText(text: string): string {
  const json = JSON.stringify(text);
  if (!/[<>&\u2028\u2029]/.test(json)) return json;
  return json.replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Character by character: decoders would make one sign of several bytes. */
function mendedJson(bytes: Buffer): string {
  let json = '';
  for (let at = 0; at < bytes.length; ) {
    const size = sizeOfChar(bytes, at);
    json += size === 0 ? '\\ufffd' : goJsonText(bytes.toString('utf8', at, at + size)).slice(1, -1);
    at += Math.max(1, size);
  }
  return `"${json}"`;
}

/** Bytes of the character that begins at `at`; 0 when none does. */
function sizeOfChar(bytes: Buffer, at: number): number {
  for (let size = 1; size <= 4 && at + size <= bytes.length; size++) {
    if (isUtf8(bytes.subarray(at, at + size))) return size;
  }
  return 0;
}
