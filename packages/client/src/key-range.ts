/** The end of an open range: every key from its start on. */
export const openEnd: Uint8Array = Uint8Array.of(0);

/** The end of the range [prefix, end) that holds all keys with a prefix; `openEnd` when there is no larger key. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last -= 1;
  if (last < 0) return openEnd;
  // A copy, which `slice` of a Buffer is not.
  const end = Uint8Array.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
