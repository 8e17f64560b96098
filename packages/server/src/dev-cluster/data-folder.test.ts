import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareDataFolder } from './data-folder.ts';
import { placesOf } from './layout.ts';
import { parseDevClusterOptions } from './options.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kvorum-dev-cluster-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function prepare(folder: string, ...words: string[]): Promise<void> {
  const options = parseDevClusterOptions([...words, `--data-dir=${folder}`]);
  return prepareDataFolder(options, placesOf(options));
}

describe('the data directory of a dev-cluster', () => {
  it('keeps its members from run to run, and loses them with --fresh only', async () => {
    const folder = join(root, 'a/b');
    await prepare(folder);
    await mkdir(join(folder, 'm1'));
    await prepare(folder);
    expect(await readdir(folder)).toContain('m1');
    await prepare(folder, '--fresh');
    expect(await readdir(folder)).not.toContain('m1');
  });

  it.each([['--nodes=5'], ['--base-port=4000']])('fits no other cluster: %s', async (word) => {
    await prepare(root);
    await expect(prepare(root, word)).rejects.toThrow('other members or ports');
    await prepare(root, word, '--fresh');
  });

  it('is never one that holds something else', async () => {
    await writeFile(join(root, 'letter'), 'dear');
    await expect(prepare(root, '--fresh')).rejects.toThrow('holds something else');
    expect(await readdir(root)).toEqual(['letter']);
    await expect(prepare(join(root, 'letter'))).rejects.toThrow('cannot use the data directory');
  });
});
