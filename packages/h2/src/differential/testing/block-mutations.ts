import { integer } from './hpack-writer.ts';
import type { Prng } from './prng.ts';

/** A header block that RFC 7541 forbids, or that at least means something else. */
export function breakBlock(block: Buffer, random: Prng): Buffer {
  const at = random.below(block.length + 1);
  const insert = (bytes: Buffer): Buffer =>
    Buffer.concat([block.subarray(0, at), bytes, block.subarray(at)]);
  const atEnd = (bytes: Buffer): Buffer => Buffer.concat([block, bytes]);
  const breaks: (() => Buffer)[] = [
    // Indices: none, one beyond every table, one that just may be there.
    () => atEnd(Buffer.from([0x80])),
    () => atEnd(integer(0x80, 7, random.pick([200, 5000, 2 ** 31, 2 ** 32]))),
    () => atEnd(integer(0x80, 7, random.between(60, 70))),
    () => atEnd(Buffer.concat([integer(0x40, 6, random.between(60, 90)), Buffer.from([1, 0x61])])),
    // Integers that are too long, in value and in bytes.
    () => atEnd(Buffer.concat([Buffer.alloc(1, 0xff), Buffer.alloc(random.below(12), 0xff)])),
    () => atEnd(Buffer.concat([Buffer.from([0xff]), Buffer.alloc(random.between(1, 9), 0x80)])),
    () => atEnd(Buffer.from([0xff, 0x80, 0x80, 0x00])),
    // Strings: longer than the block, Huffman-coded EOS, padding of zeros, padding of a whole byte.
    () => atEnd(Buffer.concat([Buffer.from([0x00]), integer(0, 7, random.between(1, 70_000))])),
    () => atEnd(Buffer.from([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61])),
    () => atEnd(Buffer.from([0x00, 0x81, 0x18, 0x01, 0x61])),
    () => atEnd(Buffer.from([0x00, 0x82, 0x1f, 0xff, 0x01, 0x61])),
    // Table size updates: behind a field, over the limit.
    () => atEnd(integer(0x20, 5, random.pick([0, 100, 4096]))),
    () => Buffer.concat([integer(0x20, 5, random.pick([4097, 65_536, 2 ** 31])), block]),
    () => Buffer.concat([integer(0x20, 5, random.pick([0, 30, 4096])), block]),
    // Something of everything.
    () => insert(random.bytes(random.between(1, 6))),
    () => block.subarray(0, at),
    () => block.subarray(Math.min(1, block.length)),
    () => headerBomb(block, random),
  ];
  return random.pick(breaks)();
}

/** A long field, put into the table once and then called up again and again. */
function headerBomb(block: Buffer, random: Prng): Buffer {
  const value = Buffer.alloc(3000, 0x62);
  const field = Buffer.concat([Buffer.from([0x40, 1, 0x78]), integer(0, 7, value.length), value]);
  return Buffer.concat([block, field, Buffer.alloc(random.pick([10, 21, 23, 150]), 0x80 | 62)]);
}
