import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownDifference, knownDifferences } from '../framework/known-differences.ts';

describe('the page of known differences', () => {
  it('has only differences that a test allows for', () => {
    const folder = join(import.meta.dirname, '..');
    const sources = globSync('**/*.ts', { cwd: folder }).map((path) => {
      return readFileSync(join(folder, path), 'utf8');
    });
    const unused = [...knownDifferences].filter((name) => {
      return !sources.some((text) => text.includes(`'${name}'`));
    });
    expect(knownDifferences.size).toBeGreaterThan(0);
    expect(unused).toEqual([]);
  });

  it('has every difference that a test allows for', () => {
    expect(() => knownDifference('of-which-it-says-nothing')).toThrow('no reason on the page');
  });
});
