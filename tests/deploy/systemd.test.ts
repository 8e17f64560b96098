import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemProgram } from '../framework/real-etcd.ts';
import { ToldCluster } from './told-cluster.ts';

const folder = join(import.meta.dirname, '../../deploy/systemd');
const analyze = systemProgram('systemd-analyze');

describe('the systemd unit', () => {
  it.skipIf(analyze === undefined)('is one that systemd understands', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'kvorum-unit-'));
    try {
      const unit = join(scratch, 'kvorum.service');
      await cp(join(folder, 'kvorum.service'), unit);
      // What is not installed here is another matter.
      const text = await readFile(unit, 'utf8');
      await writeFile(unit, text.replace('/usr/local/bin/kvorum', process.execPath));
      const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] } as const;
      const flags = ['verify', '--man=no', '--generators=no', '--recursive-errors=no', unit];
      expect(execFileSync(analyze ?? '', flags, { ...options, stdio: 'pipe' })).toBe('');
    } finally {
      await rm(scratch, { recursive: true });
    }
  });

  it('has a configuration that a member runs with', async () => {
    const text = await readFile(join(folder, 'kvorum.yaml'), 'utf8');
    const config = parse(text) as Readonly<Record<string, string>>;
    // As flags, so that the addresses can be others here.
    const args = Object.entries(config).map(([name, value]) => `--${name}=${value}`);
    await using cluster = await ToldCluster.start([{ host: 'kvorum-1', args, env: {} }]);
    expect(await cluster.names()).toEqual([config.name]);
    expect(config['data-dir']).toBe('/var/lib/kvorum');
    const unit = await readFile(join(folder, 'kvorum.service'), 'utf8');
    expect(unit).toContain('StateDirectory=kvorum\n');
  });
});
