/** A member's id as etcd reads it; undefined for what isn't one. */
export function parseHexId(text: string): bigint | undefined {
  if (!/^[0-9a-fA-F]{1,40}$/.test(text)) return undefined;
  const id = BigInt(`0x${text}`);
  return id < 1n << 64n ? id : undefined;
}
