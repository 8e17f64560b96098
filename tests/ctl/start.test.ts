import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

// The package as it is built.
const kvctl = join(import.meta.dirname, '../../packages/ctl/dist/kvctl.cjs');
const folder = mkdtempSync(join(tmpdir(), 'kvorum-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function version(env: Readonly<Record<string, string>>): string {
  const options = { encoding: 'utf8', env: { ...env }, timeout: 30_000 } as const;
  return execFileSync(process.execPath, [kvctl, 'version'], options);
}

describe('the start of kvctl', () => {
  it('keeps what Node has compiled in a folder of the user', () => {
    const first = version({ XDG_CACHE_HOME: folder });
    expect(readdirSync(join(folder, 'kvorum', 'compiled'))).toHaveLength(1);
    expect(version({ XDG_CACHE_HOME: folder })).toBe(first);
    expect(first).toContain('etcdctl version: ');
  });

  it.each([
    { why: 'there is no folder to write to', env: { XDG_CACHE_HOME: '/dev/null' } },
    { why: 'Node is told to keep nothing', env: { NODE_DISABLE_COMPILE_CACHE: '1' } },
  ])('goes without when $why', ({ env }) => {
    expect(version({ HOME: folder, ...env })).toContain('etcdctl version: ');
  });
});
