import type { DiskFile } from '@kvorum/wal';
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from './bolt-page.ts';
import { BoltWriter } from './bolt-writer.ts';
import { readBolt } from './testing/bolt-reader.ts';

/** A file in memory that knows what a writer needs. */
function memoryFile(): { file: DiskFile; bytes: () => Buffer } {
  let content = Buffer.alloc(1 << 20);
  let size = 0;
  const file = {
    write(data: Uint8Array, position: number) {
      size = Math.max(size, position + data.length);
      while (content.length < size)
        content = Buffer.concat([content, Buffer.alloc(content.length)]);
      content.set(data, position);
    },
  };
  return { file: file as DiskFile, bytes: () => content.subarray(0, size) };
}

function write(buckets: Record<string, [string, Uint8Array][]>): Buffer {
  const { file, bytes } = memoryFile();
  const writer = new BoltWriter(file);
  for (const [name, rows] of Object.entries(buckets)) {
    writer.bucket(name);
    for (const [key, value] of rows) writer.put(Buffer.from(key), value);
  }
  expect(writer.finish()).toBe(bytes().length);
  return bytes();
}

describe('a bbolt file', () => {
  it('holds the rows of every bucket, empty ones too', () => {
    const bytes = write({
      empty: [],
      few: [
        ['a', Buffer.from('1')],
        ['b', Buffer.from('')],
      ],
    });
    expect(bytes.length % PAGE_SIZE).toBe(0);
    expect(readBolt(bytes)).toEqual({
      empty: [],
      few: [
        ['a', '31'],
        ['b', ''],
      ],
    });
  });

  it('grows a tree of several levels over many rows', () => {
    const rows = Array.from({ length: 60_000 }, (_, i): [string, Uint8Array] => [
      `key/${String(i).padStart(40, '0')}`,
      Buffer.alloc(100, i % 256),
    ]);
    const read = readBolt(write({ key: rows })).key ?? [];
    expect(read.length).toBe(rows.length);
    expect(read[12_345]).toEqual([
      rows[12_345]?.[0],
      Buffer.alloc(100, 12_345 % 256).toString('hex'),
    ]);
  });

  it('gives large rows pages of their own', () => {
    const large = Buffer.alloc(1_500_000, 7);
    const read =
      readBolt(
        write({
          key: [
            ['a', large],
            ['b', Buffer.from('x')],
          ],
        }),
      ).key ?? [];
    expect(read.map(([key, value]) => [key, value.length / 2])).toEqual([
      ['a', 1_500_000],
      ['b', 1],
    ]);
  });
});
