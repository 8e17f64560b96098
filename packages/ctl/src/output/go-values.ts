/** A list of texts as Go prints it with %v: `[a b]`. */
export function goList(texts: readonly string[]): string {
  return `[${texts.join(' ')}]`;
}

/** An id as %16x: without leading zeros, but at least 16 wide. */
export function paddedId(id: bigint): string {
  return id.toString(16).padStart(16);
}
