import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { KVORUM_VERSION } from './version.ts';

it("prints the package's own version", () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(KVORUM_VERSION).toBe(manifest.version);
});
