import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framed } from '../testing/server-harness.ts';
import { MessageReader } from './message-reader.ts';

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let rest = bytes;
  for (const cut of cuts) {
    pieces.push(rest.subarray(0, cut));
    rest = rest.subarray(cut);
  }
  return [...pieces, rest];
}

describe('a message reader', () => {
  it('finds the same messages wherever the body is cut', () => {
    const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(255)));
    fc.assert(
      fc.property(messages, fc.array(fc.nat(50)), (sent, cuts) => {
        const received: [string, number][] = [];
        const reader = new MessageReader(
          {
            onMessage: (bytes, flag) => received.push([bytes.toString('hex'), flag]),
            onTooLarge: () => expect.unreachable(),
          },
          300,
        );
        const body = Buffer.concat(sent.map(([bytes, flag]) => framed(bytes, flag)));
        for (const piece of cutUp(body, cuts)) reader.push(piece, 0, piece.length);
        expect(received).toEqual(
          sent.map(([bytes, flag]) => [Buffer.from(bytes).toString('hex'), flag]),
        );
        expect(reader.heldBytes).toBe(0);
      }),
    );
  });

  it('says how many bytes too large a message would have', () => {
    const sizes: number[] = [];
    const reader = new MessageReader(
      { onMessage: () => {}, onTooLarge: (bytes) => sizes.push(bytes) },
      10,
    );
    reader.push(framed(Buffer.alloc(11)), 0, 16);
    expect(sizes).toEqual([11]);
  });

  it('gives a message in one piece without copying it', () => {
    let message: Buffer | undefined;
    const reader = new MessageReader(
      {
        onMessage: (bytes) => {
          message = bytes;
        },
        onTooLarge: () => {},
      },
      10,
    );
    const bytes = framed('abc');
    reader.push(bytes, 0, bytes.length);
    expect(message?.buffer).toBe(bytes.buffer);
  });

  it('tells what has come of a message, and how much it holds for that', () => {
    const reader = new MessageReader({ onMessage: () => {}, onTooLarge: () => {} }, 1 << 24);
    reader.push(framed(Buffer.alloc(1000)).subarray(0, 3), 0, 3);
    expect(reader.heldBytes).toBe(3);
    reader.push(framed(Buffer.alloc(1000)).subarray(3, 105), 0, 102);
    expect(reader.unfinishedBytes).toBe(105);
    expect(reader.heldBytes).toBe(1005);
  });
});
