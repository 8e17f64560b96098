const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as people and programs can read them: a string of JSON, or what they are in base64 where they are no UTF-8. */
export function shownBytes(bytes: Uint8Array): string {
  try {
    return JSON.stringify(decoder.decode(bytes));
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`;
  }
}

/** As `shownBytes`, with the middle left out of what is longer than so many characters. */
export function shownBriefly(bytes: Uint8Array, maxLength: number): string {
  const text = shownBytes(bytes);
  if (text.length <= maxLength) return text;
  const half = Math.floor(maxLength / 2);
  return `${text.slice(0, half)}…${text.slice(-half)} (${bytes.length} bytes)`;
}
