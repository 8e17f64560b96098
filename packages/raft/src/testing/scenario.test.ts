import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

/*
 * The stories of testdata/*.txt. `KVORUM_UPDATE=1` rewrites them with the outputs of today; review that diff like code.
 */
const directory = new URL('../../testdata/', import.meta.url);

describe('the scenario', () => {
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
    it(`${file} goes as told`, () => {
      const url = new URL(file, directory);
      const told = readFileSync(url, 'utf8');
      const happened = runScenario(told);
      if (process.env.KVORUM_UPDATE === '1') writeFileSync(url, happened);
      else expect(happened).toBe(told);
    });
  }
});
