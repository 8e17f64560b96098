/** Rows of the store's `meta` column that the server writes with every batch of entries. */
export const APPLIED_INDEX_ROW = 'appliedIndex';
export const CONF_STATE_ROW = 'confState';

/** The last applied index and its term, 8 bytes big-endian each. */
export function encodeAppliedIndex(index: number, term: number): Uint8Array {
  const row = Buffer.alloc(16);
  row.writeBigUInt64BE(BigInt(index), 0);
  row.writeBigUInt64BE(BigInt(term), 8);
  return row;
}

/** Zeros for a store that has applied nothing yet. */
export function decodeAppliedIndex(row: Uint8Array | undefined): { index: number; term: number } {
  if (row === undefined) return { index: 0, term: 0 };
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length);
  return { index: Number(bytes.readBigUInt64BE(0)), term: Number(bytes.readBigUInt64BE(8)) };
}
