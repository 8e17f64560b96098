import { describe, expect, it } from 'vitest';

import { inRange, isEmptyRange, keyRangeOf, prefixRangeEnd } from './key-range.ts';
import { keyBytesOf, keyTextOf } from './key-text.ts';

describe('a range of keys', () => {
  it.each([
    ['one key', 'b', '', ['b']],
    ['a half-open range', 'b', 'c', ['b', 'b\0', 'bz']],
    ['everything from a key on', 'b', '\0', ['b', 'b\0', 'bz', 'c', '\xff']],
    ['the whole keyspace', '\0', '\0', ['\0', 'a', 'b', 'b\0', 'bz', 'c', '\xff']],
    ['nothing when the end is the key', 'b', 'b', []],
    ['nothing when the end lies below the key', 'b', 'a', []],
  ])('covers %s', (_, key, end, expected) => {
    const range = keyRangeOf(keyBytesOf(key), keyBytesOf(end));
    const keys = ['\0', 'a', 'b', 'b\0', 'bz', 'c', '\xff'];
    expect(keys.filter((each) => inRange(range, each))).toEqual(expected);
    expect(isEmptyRange(range)).toBe(expected.length === 0);
  });
});

describe('the range end of a prefix', () => {
  it.each([
    ['aa', 'ab'],
    ['a\xff', 'b'],
    ['a\xff\xff', 'b'],
    ['\xff', '\0'],
    ['\xff\xff', '\0'],
    ['', '\0'],
    ['\0', '\x01'],
  ])('of %j is %j', (prefix, end) => {
    expect(keyTextOf(prefixRangeEnd(keyBytesOf(prefix)))).toBe(end);
  });

  it('leaves the prefix as it was', () => {
    const prefix = Buffer.from('aa');
    prefixRangeEnd(prefix);
    expect(prefix.toString()).toBe('aa');
  });
});
