import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { describeMembers } from '../targets.ts';
import { keyValueScripts } from './key-value-scripts.ts';
import { mixedScripts } from './mixed-scripts.ts';
import { recipeScripts } from './recipe-scripts.ts';
import { watchScripts } from './watch-scripts.ts';

interface Outcomes {
  readonly same: Readonly<Record<string, { readonly theirs: unknown; readonly ours: unknown }>>;
  readonly mixed: Readonly<Record<string, { readonly seen: unknown; readonly expected: unknown }>>;
}

/** Four seconds of many small calls, on a machine that others use as well. */
const deadlineMs = 180_000;

const program = join(import.meta.dirname, 'run-scripts.ts');
const sameNames = Object.keys({ ...keyValueScripts, ...recipeScripts, ...watchScripts });

it('scripts that compile with the types of npm etcd3 compile with ours', () => {
  const root = join(import.meta.dirname, '../../..');
  const folder = join(root, '.cache/etcd3-types');
  mkdirSync(folder, { recursive: true });
  try {
    const compilerOptions = { paths: { etcd3: ['../../packages/client/src/etcd3/index.ts'] } };
    const include = ['../../tests/client/etcd3/*-scripts.ts'];
    const config = { extends: '../../tsconfig.json', compilerOptions, include };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules/.bin/tsc');
    expect(spawnSync(compiler, ['-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describeMembers('npm etcd3 and our entry point of that name', (start) => {
  let outcomes: Outcomes;
  beforeAll(async () => {
    await using member = await start();
    const args = ['--conditions=kvorum-source', program, member.endpoint];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: deadlineMs });
    outcomes = JSON.parse(stdout) as Outcomes;
  }, deadlineMs);

  it.each(sameNames)('do the same: %s', (name) => {
    expect(outcomes.same[name]?.ours).toEqual(outcomes.same[name]?.theirs);
  });

  it.each(Object.keys(mixedScripts))('go together: %s', (name) => {
    const { seen, expected } = outcomes.mixed[name] ?? { seen: 'nothing', expected: undefined };
    expect(seen).toEqual(expected);
  });
});
