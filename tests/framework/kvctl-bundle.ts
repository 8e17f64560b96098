import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Makes one file of kvctl before the tests of a file, so that it starts as fast as for users, and gives its path. */
export function bundledKvctl(): () => string {
  let folder = '';
  const path = () => join(folder, 'kvctl.cjs');
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kvctl-bundle-'));
    await build({
      entryPoints: [join(root, 'packages/ctl/src/kvctl.ts')],
      outfile: path(),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      conditions: ['kvorum-source'],
      logLevel: 'error',
    });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return path;
}
