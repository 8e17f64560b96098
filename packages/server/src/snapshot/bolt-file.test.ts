import { describe, expect, it } from 'vitest';
import { BoltBucket } from './bolt-bucket.ts';
import { BoltFile } from './bolt-file.ts';
import { checkFreelist } from './bolt-freelist.ts';
import { metaChecksum } from './bolt-page.ts';
import { BoltWriter } from './bolt-writer.ts';
import { DatabaseFileError } from './database-file-error.ts';
import { PageSet } from './page-set.ts';
import { damage } from './testing/damage.ts';
import { MemoryFile } from './testing/memory-file.ts';

type Contents = [string, string | Contents][];

/** Everything in a file: rows as latin1 texts, buckets as lists of theirs. */
function contentsOf(file: BoltFile): Contents {
  const seen = new PageSet(file.endPage);
  const read = (bucket: BoltBucket): Contents =>
    [...bucket.rows(seen)].map((row) => [
      Buffer.from(row.key).toString('latin1'),
      row.isBucket ? read(BoltBucket.of(file, row)) : Buffer.from(row.value).toString('latin1'),
    ]);
  const contents = read(BoltBucket.root(file));
  checkFreelist(file, seen);
  return contents;
}

function written(buckets: Record<string, readonly (readonly [string, string])[]>): MemoryFile {
  const file = new MemoryFile();
  const writer = new BoltWriter(file);
  for (const [name, rows] of Object.entries(buckets)) {
    writer.bucket(name);
    for (const [key, value] of rows) writer.put(Buffer.from(key), Buffer.from(value, 'latin1'));
  }
  writer.finish();
  return file;
}

function numbered(count: number, valueBytes: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => [
    `key/${String(i).padStart(20, '0')}`,
    String.fromCharCode(i % 256).repeat(valueBytes),
  ]);
}

/** One leaf page by hand: rows of key and value, of which those with a flag are buckets. */
function leaf(id: number, rows: readonly (readonly [string, Buffer, number])[], size: number) {
  const page = Buffer.alloc(size);
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(2, 8);
  page.writeUInt16LE(rows.length, 10);
  let data = 16 + 16 * rows.length;
  for (const [i, [key, value, flags]] of rows.entries()) {
    const at = 16 + 16 * i;
    page.writeUInt32LE(flags, at);
    page.writeUInt32LE(data - at, at + 4);
    page.writeUInt32LE(key.length, at + 8);
    page.writeUInt32LE(value.length, at + 12);
    page.write(key, data, 'latin1');
    value.copy(page, data + key.length);
    data += key.length + value.length;
  }
  return page;
}

/** A file of pages of 16 KiB, as on a machine with such memory: two metas, then the leaf of the root. */
function withPagesOf16K(root: readonly (readonly [string, Buffer, number])[]): MemoryFile {
  const pageSize = 16 * 1024;
  const bytes = Buffer.alloc(3 * pageSize);
  for (const id of [0, 1]) {
    const at = id * pageSize;
    bytes.writeBigUInt64LE(BigInt(id), at);
    bytes.writeUInt16LE(4, at + 8);
    const meta = bytes.subarray(at + 16, at + 80);
    meta.writeUInt32LE(0xed0cdaed, 0);
    meta.writeUInt32LE(2, 4);
    meta.writeUInt32LE(pageSize, 8);
    meta.writeBigUInt64LE(2n, 16);
    meta.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 32);
    meta.writeBigUInt64LE(3n, 40);
    meta.writeBigUInt64LE(BigInt(7 - id), 48);
    meta.writeBigUInt64LE(metaChecksum(meta), 56);
  }
  leaf(2, root, pageSize).copy(bytes, 2 * pageSize);
  return new MemoryFile(bytes);
}

describe('a bbolt file that is read', () => {
  it('has the rows of every bucket: none, a few, trees of several levels, rows of many pages', () => {
    const buckets = {
      empty: [],
      few: [
        ['a', '1'],
        ['b', ''],
      ] as [string, string][],
      large: [['a', 'x'.repeat(1_500_000)]] as [string, string][],
      many: numbered(30_000, 60),
    };
    const contents = contentsOf(BoltFile.open(written(buckets)));
    expect(contents).toEqual(Object.entries(buckets));
  });

  it('has pages of the size that it says, buckets in their parents’ rows, and buckets in buckets', () => {
    const innermost = leaf(0, [['z', Buffer.from('26'), 0]], 16 + 16 + 3);
    const inner = Buffer.concat([Buffer.alloc(16), innermost]);
    const outer = leaf(
      0,
      [
        ['inner', inner, 1],
        ['row', Buffer.from('x'), 0],
      ],
      32 + 32 + inner.length,
    );
    const file = withPagesOf16K([
      ['empty', Buffer.concat([Buffer.alloc(16), leaf(0, [], 16)]), 1],
      ['outer', Buffer.concat([Buffer.alloc(16), outer]), 1],
    ]);
    const bolt = BoltFile.open(file);
    expect(bolt.pageSize).toBe(16_384);
    expect(contentsOf(bolt)).toEqual([
      ['empty', []],
      [
        'outer',
        [
          ['inner', [['z', '26']]],
          ['row', 'x'],
        ],
      ],
    ]);
  });

  it.each([0, 1])('needs one sound meta page: it does without number %i', (torn) => {
    const file = withPagesOf16K([['b', Buffer.concat([Buffer.alloc(16), leaf(0, [], 16)]), 1]]);
    file.bytes.fill(0xa5, torn * 16_384, torn * 16_384 + 100);
    expect(contentsOf(BoltFile.open(file))).toEqual([['b', []]]);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(100_000)],
    ['a text', Buffer.from('etcd is a distributed, reliable key-value store\n'.repeat(500))],
    ['a file of SQLite', Buffer.from(`SQLite format 3\0${'\0'.repeat(8176)}`)],
  ])('is not %s', (_name, bytes) => {
    expect(() => BoltFile.open(new MemoryFile(bytes))).toThrow(/^this is no bbolt database/);
  });

  it('is missed when the file ends before it does', () => {
    const { bytes } = written({ key: numbered(500, 100) });
    for (const size of [8192, 8193, bytes.length / 2, bytes.length - 1]) {
      const cut = new MemoryFile(bytes.subarray(0, size));
      expect(() => BoltFile.open(cut)).toThrow(/^the file is cut off: it has \d+ bytes of the \d+/);
    }
  });

  it('gives its rows or an error, whatever bits are wrong and wherever', () => {
    const { bytes } = written({ key: numbered(3_000, 30), lease: numbered(3, 5) });
    let refused = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const file = new MemoryFile(damage(bytes, seed));
      try {
        contentsOf(BoltFile.open(file));
      } catch (error) {
        if (!(error instanceof DatabaseFileError))
          throw new Error(`seed ${seed}`, { cause: error });
        refused += 1;
      }
    }
    // Bits of values are anything's, so not all of it shows here: the hash of the file is for that.
    expect(refused).toBeGreaterThan(100);
  });

  it('is refused when pages form a circle, or are in two places', () => {
    const file = written({ key: numbered(3_000, 30) });
    const bolt = BoltFile.open(file);
    const branch =
      [...Array(bolt.endPage).keys()].slice(3).find((id) => bolt.page(id).isBranch) ?? 0;
    const second = branch * 4096 + 16 + 16;
    for (const child of [branch, 3]) {
      file.bytes.writeBigUInt64LE(BigInt(child), second + 8);
      expect(() => contentsOf(BoltFile.open(file))).toThrow(
        child === branch ? /is used twice/ : /is used twice|belong elsewhere/,
      );
    }
  });
});
