import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the benchmark runs, and finds all entries applied', () => {
  const file = join(import.meta.dirname, 'raw-node.bench.ts');
  const output = execFileSync(process.execPath, [file, '2000'], { encoding: 'utf8' });
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(9);
  for (const line of lines.slice(1)) expect(line).toMatch(/^members \d +batch \d+ +\d+ ns$/);
});
