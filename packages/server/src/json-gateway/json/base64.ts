const STANDARD = /^[A-Za-z0-9+/]*$/;
const URL_SAFE = /^[A-Za-z0-9_-]*$/;

/**
 * Decodes base64 in either alphabet, with padding or without it; undefined for anything else. As in etcd's parser line
 * breaks are passed over, and the text decides by its length whether it must be padded.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const lines = text.replace(/[\r\n]/g, '');
  const data = text.length % 4 === 0 ? unpadded(lines) : lines;
  if (data === undefined || data.length % 4 === 1) return undefined;
  const alphabet = /[-_]/.test(data) ? URL_SAFE : STANDARD;
  return alphabet.test(data) ? Buffer.from(data, 'base64') : undefined;
}

/** The text without its padding; undefined when that is wrong. */
function unpadded(text: string): string | undefined {
  if (text.length % 4 !== 0) return undefined;
  return text.replace(/={1,2}$/, '');
}
