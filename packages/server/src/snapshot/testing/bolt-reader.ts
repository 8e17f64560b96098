/** Buckets by name, each a list of rows: the key as latin1 text, the value in hex. */
export type BoltContents = Record<string, [string, string][]>;

/**
 * Reads a bbolt file the plain way, independently of the writer: page heads and elements by their offsets. Throws when
 * a page isn't what the file says it is, or when the rows of a bucket don't ascend.
 */
export function readBolt(bytes: Buffer): BoltContents {
  const pageSize = bytes.readUInt32LE(16 + 8);
  const meta = 16 + pageSize;
  if (bytes.readUInt32LE(meta) !== 0xed0cdaed) throw new Error('page 1 is no meta page');
  const contents: BoltContents = {};
  for (const [name, value] of rowsOf(bytes, pageSize, Number(bytes.readBigUInt64LE(meta + 16)))) {
    const rows = rowsOf(bytes, pageSize, Number(value.readBigUInt64LE(0)));
    contents[name] = rows.map(([key, row]) => [key, row.toString('hex')]);
    for (let i = 1; i < rows.length; i++) {
      if ((rows[i - 1]?.[0] ?? '') >= (rows[i]?.[0] ?? ''))
        throw new Error(`${name} is not in order`);
    }
  }
  return contents;
}

function rowsOf(bytes: Buffer, pageSize: number, id: number): [string, Buffer][] {
  const start = id * pageSize;
  if (bytes.readBigUInt64LE(start) !== BigInt(id)) throw new Error(`page ${id} has another id`);
  const flags = bytes.readUInt16LE(start + 8);
  const count = bytes.readUInt16LE(start + 10);
  const end = start + (bytes.readUInt32LE(start + 12) + 1) * pageSize;
  const rows: [string, Buffer][] = [];
  for (let i = 0; i < count; i++) {
    const at = start + 16 + 16 * i;
    if (flags === 1) {
      for (const row of rowsOf(bytes, pageSize, Number(bytes.readBigUInt64LE(at + 8))))
        rows.push(row);
      continue;
    }
    if (flags !== 2) throw new Error(`page ${id} is neither branch nor leaf`);
    const key = at + bytes.readUInt32LE(at + 4);
    const value = key + bytes.readUInt32LE(at + 8);
    const valueEnd = value + bytes.readUInt32LE(at + 12);
    if (valueEnd > end) throw new Error(`page ${id} overruns its end`);
    rows.push([bytes.toString('latin1', key, value), bytes.subarray(value, valueEnd)]);
  }
  return rows;
}
