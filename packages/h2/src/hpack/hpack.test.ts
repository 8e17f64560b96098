import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { H2Error } from '../errors.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import type { HeaderBlock } from './header-block.ts';
import { HeaderField } from './header-field.ts';
import { decodeHuffman, encodeHuffman, huffmanLength } from './huffman.ts';

const limits = { maxHeaderListBytes: 65_536, maxHeaderFields: 1000 };

const latin1 = fc
  .uint8Array({ maxLength: 80 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
/** Few names and values, so that tables are used; and some of any kind. */
const field = fc
  .tuple(
    fc.oneof(fc.constantFrom(':status', 'content-type', 'a', 'date', 'authorization'), latin1),
    fc.oneof(fc.constantFrom('', '200', 'application/grpc', 'x'.repeat(700)), latin1),
  )
  .map(([name, value]) => new HeaderField(name, value));

function texts(fields: readonly HeaderField[]): string[] {
  return fields.map(({ name, value }) => `${name}\0${value}`);
}

function decode(decoder: HpackDecoder, bytes: Uint8Array | string): HeaderBlock {
  const block = typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : Buffer.from(bytes);
  return decoder.decode(block, 0, block.length);
}

describe('Huffman coding', () => {
  it('gives back what went in', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        const coded = Buffer.alloc(huffmanLength(text));
        expect(encodeHuffman(text, coded, 0)).toBe(coded.length);
        const decoded = Buffer.alloc(coded.length * 2);
        const length = decodeHuffman(coded, 0, coded.length, decoded);
        expect(decoded.toString('latin1', 0, length)).toBe(text);
      }),
    );
  });

  it.each([
    ['padding of zeros', '18'],
    ['padding longer than seven bits', '1fff'],
    ['the end-of-string symbol', 'fffffffc'],
    ['a byte of padding alone', 'ff'],
  ])('refuses %s', (_name, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(decodeHuffman(bytes, 0, bytes.length, Buffer.alloc(16))).toBe(-1);
  });
});

describe('an encoder and a decoder', () => {
  it('understand each other, whatever the table size', () => {
    const sizes = fc.option(fc.constantFrom(0, 40, 100, 500, 4096, 100_000), { nil: undefined });
    const messages = fc.array(fc.tuple(sizes, fc.array(field, { maxLength: 8 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(messages, (sequence) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(limits);
        for (const [tableBytes, fields] of sequence) {
          if (tableBytes !== undefined) encoder.allowTableBytes(tableBytes);
          const block = decode(decoder, encoder.encode(fields));
          expect(texts(block.fields)).toEqual(texts(fields));
        }
      }),
    );
  });

  it('stay in step over thousands of blocks', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(limits);
    for (let i = 0; i < 5000; i++) {
      const fields = [
        new HeaderField(':status', '200'),
        new HeaderField(`name-${i % 300}`, String(i % 70)),
      ];
      expect(texts(decode(decoder, encoder.encode(fields)).fields)).toEqual(texts(fields));
    }
    expect(decoder.tableSize).toBeLessThanOrEqual(4096);
  });

  it('need one byte for a field that was sent before', () => {
    const encoder = new HpackEncoder();
    const fields = [new HeaderField('grpc-status', '0')];
    encoder.encode(fields);
    const { version } = encoder;
    expect(encoder.encode(fields).length).toBe(1);
    expect(encoder.version).toBe(version);
  });

  it('tell the smallest and the last table size', () => {
    const encoder = new HpackEncoder();
    encoder.allowTableBytes(0);
    encoder.allowTableBytes(4096);
    const bytes = Buffer.from(encoder.encode([]));
    expect(bytes.toString('hex')).toBe('203fe11f');
    expect(encoder.encode([]).length).toBe(0);
  });

  it('keep secrets out of the table', () => {
    const encoder = new HpackEncoder();
    const fields = [new HeaderField('authorization', 'Bearer abc')];
    const first = Buffer.from(encoder.encode(fields));
    expect((first[0] ?? 0) & 0xf0).toBe(0x10);
    expect(Buffer.from(encoder.encode(fields)).equals(first)).toBe(true);
  });
});

describe('a decoder', () => {
  it('gives the same block for the same bytes, until the table changes', () => {
    const decoder = new HpackDecoder(limits);
    decode(decoder, '400161' + '0162');
    const first = decode(decoder, '82be');
    expect(decode(decoder, '82be')).toBe(first);
    decode(decoder, '400161' + '0163');
    const changed = decode(decoder, '82be');
    expect(changed).not.toBe(first);
    expect(texts(changed.fields)).toEqual([':method\0GET', 'a\0c']);
  });

  it('does not take a block from its memory that would add to the table', () => {
    const decoder = new HpackDecoder(limits);
    decode(decoder, '4001610162');
    decode(decoder, '4001610162');
    expect(decoder.tableSize).toBe(68);
  });

  it.each([
    ['index 0', '80'],
    ['an index beyond the table', 'be'],
    ['an integer without end', 'ffffffffffffffff'],
    ['an integer that does not fit', '7fffffffff7f'],
    ['a string that is cut', '00056162'],
    ['a field that is cut', '40'],
    ['invalid Huffman coding', '0081ff0161'],
    ['a table larger than allowed', '3fe21f'],
    ['a size update after a field', '8220'],
  ])('refuses %s', (_name, hex) => {
    const decoder = new HpackDecoder(limits);
    expect(() => decode(decoder, hex)).toThrow(H2Error);
  });

  it('never fails in another way, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(limits);
        try {
          for (const block of blocks) decode(decoder, block);
        } catch (error) {
          expect(error).toBeInstanceOf(H2Error);
        }
        expect(decoder.tableSize).toBeLessThanOrEqual(4096);
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts a list short that is over the limits, and keeps the table right', () => {
    const decoder = new HpackDecoder({ maxHeaderListBytes: 1000, maxHeaderFields: 10 });
    const list = decode(decoder, `4001617f21${'62'.repeat(160)}${'be'.repeat(15)}4001630164`);
    expect(list.tooLarge).toBe(true);
    expect(list.fields.length).toBeLessThan(10);
    expect(texts(decode(decoder, 'be').fields)).toEqual(['c\0d']);
  });

  it('gives up a block that unpacks to many times the limit', () => {
    const decoder = new HpackDecoder({ maxHeaderListBytes: 1000, maxHeaderFields: 10 });
    const bomb = `4001617f21${'62'.repeat(160)}${'be'.repeat(100)}`;
    expect(() => decode(decoder, bomb)).toThrow(expect.objectContaining({ code: 'limit' }));
  });
});
