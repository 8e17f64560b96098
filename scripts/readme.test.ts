import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolders, root } from './workspace.ts';

// Every ```ts block of a README is a program: it must compile and run as it stands.

/** One block of code, written to a file of its own inside the workspace, where packages resolve. */
interface Example {
  /** README and line, for the reader of a failure. */
  readonly origin: string;
  readonly file: string;
  readonly code: string;
}

const folder = join(root, '.cache/readme');

function examplesOf(readme: string): Example[] {
  if (!existsSync(join(root, readme))) return [];
  const text = readFileSync(join(root, readme), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length;
    const file = `${readme.replaceAll('/', '-').replace(/\.md$/, '')}-${line}.ts`;
    return { origin: `${readme}:${line}`, file: join(folder, file), code: match[1] ?? '' };
  });
}

const readmes = ['README.md', ...packageFolders().map((name) => `packages/${name}/README.md`)];
const examples = readmes.flatMap(examplesOf);

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const example of examples) writeFileSync(example.file, example.code);
  const config = { extends: '../../tsconfig.json', include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the code in the READMEs', () => {
  it('compiles', () => {
    const compiler = join(root, 'node_modules/.bin/tsc');
    const { stdout } = spawnSync(compiler, ['-p', folder], { encoding: 'utf8' });
    const ours = stdout.split('\n').filter((line) => line.includes('.cache/readme'));
    expect(ours).toEqual([]);
  });

  it.each(examples)('of $origin runs', ({ file }) => {
    const scratch = mkdtempSync(join(tmpdir(), 'kvorum-readme-'));
    try {
      execFileSync(process.execPath, ['--conditions=kvorum-source', file], {
        cwd: scratch,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 30_000,
      });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
