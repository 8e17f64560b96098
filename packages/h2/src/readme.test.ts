import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as api from './index.ts';

/*
 * The example in the README is run by the workspace's own test of all READMEs; here it is made sure that
 * every name it mentions exists.
 */
describe('the README', () => {
  it('imports only what the package exports', () => {
    const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const imports = /import \{([^}]*)\} from '@kvorum\/h2'/.exec(text)?.[1] ?? '';
    const names = imports.split(',').map((name) => name.trim());
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(api).toHaveProperty(name);
  });
});
