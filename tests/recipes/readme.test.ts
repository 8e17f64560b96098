import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';

const root = join(import.meta.dirname, '../..');
// Within the workspace, where packages resolve.
const folder = join(root, '.cache/recipes-readme');
const readme = await readFile(join(root, 'packages/recipes/README.md'), 'utf8');
const programs = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);

describe('the programs in the README', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await startKvorum();
    await mkdir(folder, { recursive: true });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await member[Symbol.asyncDispose]();
  });

  it.each(programs.map((code, at) => ({ code, at })))('run: $at', async ({ code, at }) => {
    const file = join(folder, `${at}.ts`);
    const program = code
      .replaceAll('127.0.0.1:2379', member.endpoint)
      .replace('console.log(typeof main)', 'await main()');
    await writeFile(file, program);
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--conditions=kvorum-source', file],
      { timeout: 30_000 },
    );
    expect(stderr).toBe('');
    expect(stdout).not.toBe('');
  });
});
