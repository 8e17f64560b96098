import { describe, expect, it } from 'vitest';
import { isAtLeast, isVersion, minorVersionOf } from './semantic-version.ts';

describe('a version', () => {
  it.each([
    ['3.7.1', true],
    ['3.7.0-rc.1+linux', true],
    ['3.7', false],
    ['v3.7.1', false],
    ['3.7.1 ', false],
    ['', false],
  ])('%j is one: %s', (text, expected) => {
    expect(isVersion(text)).toBe(expected);
  });

  it.each([
    ['3.6', '3.6'],
    ['3.6.9', '3.6'],
    ['03.06', '3.6'],
    ['3.6.0-rc.1+b', '3.6'],
    ['3', undefined],
    ['3.6.x', undefined],
    [' 3.6', undefined],
    ['v3.6', undefined],
    ['', undefined],
  ])('of %j the minor version is %s', (text, expected) => {
    expect(minorVersionOf(text)).toBe(expected);
  });

  it.each([
    ['3.7.0', '3.7.0', true],
    ['3.10.0', '3.9.9', true],
    ['3.6.9', '3.7.0', false],
    ['4.0.0', '3.7.1', true],
    ['3.7', '3.0.0', false],
  ])('%s is at least %s: %s', (version, oldest, expected) => {
    expect(isAtLeast(version, oldest)).toBe(expected);
  });
});
