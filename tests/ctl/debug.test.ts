import { describe, expect, it } from 'vitest';
import { runKvctl } from './in-process.ts';
import { testServer } from './people/server.ts';

describe('--debug', () => {
  const server = testServer();
  const run = (...args: string[]) =>
    runKvctl({ args: ['--endpoints', server.member.endpoint, ...args] });

  it('shows the flags, and each call with its outcome, on standard error', async () => {
    await run('put', 'key', 'value');
    const quiet = await run('get', 'key');
    const { exitCode, stdout, stderr } = await run('--debug', 'get', 'key', '--command-timeout=9s');
    expect([exitCode, stdout]).toEqual([quiet.exitCode, quiet.stdout]);
    const lines = stderr.split('\n').slice(0, -1);
    expect(lines).toContain(`ETCDCTL_ENDPOINTS=[${server.member.endpoint}]`);
    expect(lines).toContain('ETCDCTL_COMMAND_TIMEOUT=9s');
    expect(lines).toContain('ETCDCTL_DEBUG=true');
    expect(lines.at(-2)).toMatch(/^[\d-]+T[\d:.]+Z DEBUG \/etcdserverpb\.KV\/Range begins$/);
    expect(lines.at(-1)).toMatch(/ DEBUG \/etcdserverpb\.KV\/Range is answered after [\d.]+ ms$/);
  });

  it('shows why a call failed, and no password', async () => {
    const { stderr } = await run('--debug', '--user', 'ann:secret', 'get', 'key', '--rev=99');
    expect(stderr).toContain('ETCDCTL_USER=********');
    expect(stderr).toMatch(/DEBUG \S+Range fails after [\d.]+ ms: .*future revision/);
    expect(stderr).not.toContain('secret');
  });
});
