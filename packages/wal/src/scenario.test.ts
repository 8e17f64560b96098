import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runScenario } from './testing/scenario.ts';

const FOLDER = new URL('../testdata/', import.meta.url);

// To rewrite the outputs: KVORUM_UPDATE=1 vitest run packages/wal. Read the diff like code.
describe('the story of', () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))) {
    it(`${name} ends as written`, async () => {
      const path = new URL(name, FOLDER);
      const story = readFileSync(path, 'utf8');
      const actual = await runScenario(story);
      if (process.env.KVORUM_UPDATE !== undefined) writeFileSync(path, actual);
      else expect(actual).toBe(story);
    });
  }
});
