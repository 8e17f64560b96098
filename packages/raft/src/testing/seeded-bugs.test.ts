import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Hunt } from './hunt-bugs.ts';
import { seededBugs } from './seeded-bugs.ts';

// In a process of its own, for the sources are changed while they are loaded.
const script = new URL('./hunt-bugs.ts', import.meta.url).pathname;

describe('the simulator', () => {
  it('catches every mistake, each within 150 seeds', () => {
    const args = ['--conditions=kvorum-source', script, '150', '20000'];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(stderr).toBe('');
    const hunts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Hunt);
    expect(hunts.filter(({ seed }) => seed === undefined)).toEqual([]);
    expect(hunts.length).toBe(seededBugs.length);
    expect(hunts.length).toBeGreaterThan(39);
  }, 600_000);
});
