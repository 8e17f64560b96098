import { describe, expect, it } from 'vitest';
import { openEnd, prefixEnd } from './key-range.ts';

describe('the end of a prefix', () => {
  it.each([
    [[0x61], [0x62]],
    [[0x61, 0xff], [0x62]],
    [
      [0x61, 0x00],
      [0x61, 0x01],
    ],
    [[0xff, 0xff], [...openEnd]],
    [[], [...openEnd]],
  ])('of %j is %j', (prefix, end) => {
    expect([...prefixEnd(Uint8Array.from(prefix))]).toEqual(end);
  });

  it('leaves a Buffer as it was', () => {
    const prefix = Buffer.from('a');
    prefixEnd(prefix);
    expect(prefix.toString()).toBe('a');
  });
});
