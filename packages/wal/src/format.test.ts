import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SegmentReader } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { CRC, ENTRY, indexIn, METADATA, STATE } from './record.ts';
import { entryOf, snapshotOf } from './testing/records.ts';
import { SimDisk } from './testing/sim-disk.ts';

/** A segment written by etcd 3.5.16, without the zeros at its end. */
const REAL = readFileSync(
  new URL('../testdata/etcd-3.5.16/wal/0000000000000000-0000000000000000.wal', import.meta.url),
);

function readerOf(bytes: Uint8Array): SegmentReader {
  const file = new SimDisk().open('segment', { create: true });
  file.write(bytes, 0);
  return new SegmentReader(file, Number.NaN);
}

describe('a frame', () => {
  it('is what etcd writes, byte for byte', () => {
    const encoder = new Encoder(0);
    const reader = readerOf(REAL);
    while (reader.next() === 'record') encoder.add(reader.type, reader.data);
    expect(reader.damage).toBeNull();
    expect(encoder.size).toBe(REAL.length);
    expect(Buffer.compare(encoder.frames, REAL)).toBe(0);
  });

  it('reads back as it was written, whatever the sizes', () => {
    const record = fc.record({
      type: fc.constantFrom(METADATA, ENTRY, STATE),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 700 }),
        // Beyond the reader's block and the writer's buffer.
        fc.integer({ min: 0, max: 2_500_000 }).map((size) => new Uint8Array(size).fill(size)),
      ),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), (records) => {
        const encoder = new Encoder(0);
        encoder.add(CRC, new Uint8Array(0));
        for (const { type, data } of records) encoder.add(type, data);
        const reader = readerOf(encoder.frames);
        expect(reader.next()).toBe('record');
        for (const { type, data } of records) {
          expect(reader.next()).toBe('record');
          expect(reader.type).toBe(type);
          expect(Buffer.compare(reader.data, data)).toBe(0);
        }
        expect(reader.next()).toBe('end');
        expect(reader.crc).toBe(encoder.crc);
        expect(reader.end).toBe(encoder.size);
      }),
      { numRuns: 30 },
    );
  });

  it('with an absurd length is damage, and nothing is allocated for it', () => {
    const encoder = new Encoder(0);
    encoder.add(CRC, new Uint8Array(0));
    const bytes = encoder.frames.slice();
    bytes.set([0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
    const reader = readerOf(bytes);
    expect(reader.next()).toBe('damaged');
    expect(reader.damage).toEqual({
      offset: 0,
      reason: 'not a record',
      unfinished: false,
    });
  });
});

describe('the index in a message', () => {
  it('is found behind other fields', () => {
    expect(indexIn(entryOf(300, new Uint8Array(9)).data, 3)).toBe(300);
    expect(indexIn(entryOf(2 ** 53 - 1, new Uint8Array(9)).data, 3)).toBe(2 ** 53 - 1);
    expect(indexIn(snapshotOf(77).data, 1)).toBe(77);
    expect(indexIn(Uint8Array.of(0x22, 2, 0x18, 9, 0x18, 5), 3)).toBe(5);
  });

  it('is 0 when absent', () => {
    expect(indexIn(new Uint8Array(0), 3)).toBe(0);
    expect(indexIn(Uint8Array.of(8, 1), 3)).toBe(0);
  });

  it('is refused when cut short or beyond what a number can hold', () => {
    expect(() => indexIn(Uint8Array.of(0x18, 0x80), 3)).toThrow('no message');
    expect(() => indexIn(Uint8Array.of(0x18, ...new Array(9).fill(0xff), 1), 3)).toThrow(
      'no message',
    );
    expect(() => indexIn(Uint8Array.of(0x1b, 1), 3)).toThrow('no message');
  });
});
