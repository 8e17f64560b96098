import { describe, expect, it } from 'vitest';
import { suggestionFor } from './suggestion.ts';

describe('suggestionFor', () => {
  it.each([
    ['listen-client-url', 'listen-client-urls'],
    ['nme', 'name'],
    ['snapshot-cuont', 'snapshot-count'],
    ['cert-fil', 'cert-file'],
  ])('takes %s for a misspelt --%s', (typed, meant) => {
    const message = `flag provided but not defined: -${typed}`;
    expect(suggestionFor(message)).toBe(`Did you mean --${meant}?\n`);
  });

  it('says nothing when no name is near, or about other errors', () => {
    expect(suggestionFor('flag provided but not defined: -frobnicate')).toBe('');
    expect(suggestionFor('flag needs an argument: -name')).toBe('');
  });
});
