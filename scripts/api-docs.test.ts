import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageFolders, root } from './workspace.ts';

// `pnpm docs:api` makes the API reference of all packages from their docstrings.

const folder = join(root, 'docs/api');

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** The source behind an entry point of a manifest: that of Node where there are two. */
function sourceOf(entry: unknown): string {
  const source = (entry as { 'kvorum-source'?: string | { default: string } })['kvorum-source'];
  return (typeof source === 'string' ? source : (source?.default ?? '')).replace('./', '');
}

it('covers every entry point that is published', () => {
  const entries = packageFolders().flatMap((name) => {
    const path = join(root, 'packages', name, 'package.json');
    const { exports = {} } = readJson<{ exports?: Readonly<Record<string, unknown>> }>(path);
    return Object.entries(exports)
      .filter(([door]) => door !== './package.json' && door !== './testing')
      .map(([, entry]) => `../../packages/${name}/${sourceOf(entry)}`);
  });
  const { entryPoints } = readJson<{ entryPoints: string[] }>(join(folder, 'typedoc.json'));
  expect(entryPoints.sort()).toEqual(entries.sort());
});

/** Five seconds of computing, which others may want as well. */
const deadlineMs = 240_000;

it(
  'is made without a complaint: all is documented, and no link is dead',
  () => {
    const typedoc = join(folder, 'node_modules/.bin/typedoc');
    // Where a clone came from is not what is checked.
    const args = ['--emit', 'none', '--logLevel', 'Warn', '--disableSources'];
    const { status, stdout, stderr } = spawnSync(typedoc, args, { cwd: folder, encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  },
  deadlineMs,
);
