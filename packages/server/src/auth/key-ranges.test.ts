import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyRanges } from './key-ranges.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const rangesOf = (...given: [key: string, rangeEnd: string][]) =>
  KeyRanges.of(given.map(([key, rangeEnd]) => ({ key: bytes(key), rangeEnd: bytes(rangeEnd) })));

describe('the keys a user may read or write', () => {
  it.each([
    ['a key by itself', [['k', '']], ['k', ''], true],
    ['no key behind it', [['k', '']], ['k\0', ''], false],
    ['a range of that key alone', [['k', '']], ['k', 'k\0'], true],
    ['nothing when nothing was given', [], ['k', ''], false],
    ['a part of a range', [['a', 'f']], ['b', 'e'], true],
    ['all of a range', [['a', 'f']], ['a', 'f'], true],
    ['not the end of a range', [['a', 'f']], ['f', ''], false],
    ['not more than a range', [['a', 'f']], ['a', 'g'], false],
    ['ranges that touch, as one', [['a', 'c'], ['c', 'f']], ['b', 'e'], true], // biome-ignore format: one case, one line
    ['keys that follow each other, as one', [['a', ''], ['a\0', '']], ['a', 'a\0\0'], true], // biome-ignore format: one case, one line
    ['not what lies between two ranges', [['a', 'c'], ['d', 'f']], ['b', 'e'], false], // biome-ignore format: one case, one line
    ['a range within another, as part of it', [['a', 'z'], ['b', 'c']], ['b', 'y'], true], // biome-ignore format: one case, one line
    ['everything from a key on', [['k', '\0']], ['z', '\0'], true],
    ['a range after such a key', [['k', '\0']], ['l', 'm'], true],
    ['nothing before such a key', [['k', '\0']], ['j', ''], false],
    ['not everything from a key on, for a range', [['a', 'z']], ['b', '\0'], false],
    ['not everything from a key on, for that key', [['a', '']], ['a', '\0'], false],
    ['an empty range, for its first key', [['k', '']], ['k', 'a'], true],
    ['no empty range outside', [['k', '']], ['l', 'a'], false],
  ] as const)('cover %s', (_what, given, [key, rangeEnd], covers) => {
    const ranges = rangesOf(...given.map(([from, to]): [string, string] => [from, to]));
    expect(ranges.cover(bytes(key), bytes(rangeEnd))).toBe(covers);
  });

  it('cover a request exactly when every key of it was given', () => {
    // All keys are one letter, so that they can be counted.
    const alphabet = [...'abcdef'];
    const letter = fc.constantFrom(...alphabet);
    const end = fc.constantFrom('', '\0', ...alphabet);
    const holds = (key: string, from: string, to: string) =>
      to === '' ? key === from : key >= from && (to === '\0' || key < to);
    const range = fc
      .tuple(letter, end)
      .filter(([from, to]) => to === '' || to === '\0' || to > from);
    fc.assert(
      fc.property(fc.array(range, { maxLength: 5 }), range, (given, [key, rangeEnd]) => {
        const wanted = alphabet.filter((candidate) => holds(candidate, key, rangeEnd));
        // A range also holds the keys between two letters: only ranges can give those.
        const isRange = rangeEnd !== '' && wanted.length > 0;
        const given1 = isRange ? given.filter(([, to]) => to !== '') : given;
        const isOpen = rangeEnd !== '\0' || given.some(([, to]) => to === '\0');
        const naive = isOpen && wanted.every((one) => given1.some(([a, b]) => holds(one, a, b)));
        expect(rangesOf(...given).cover(bytes(key), bytes(rangeEnd))).toBe(naive);
      }),
    );
  });
});
