import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const mainPath = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the server's program to its end, with nothing in its environment that it might read. */
function run(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const nodeArgs = ['--conditions', 'kvorum-source', mainPath, ...args];
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      nodeArgs,
      { env: { PATH, ...environment } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? -1), stdout, stderr });
      },
    );
  });
}

describe('the program', () => {
  it('tells its version, first line as etcd does', async () => {
    const { code, stdout, stderr } = await run(['--version']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^etcd Version: 3\.7\.1\nKvorum Version: \S+\nNode Version: v\S+\nNode OS\/Arch: \w+\/\w+\n$/,
    );
  });

  it('puts usage on stderr and flags on stdout for help', async () => {
    const { code, stdout, stderr } = await run(['-h']);
    expect(code).toBe(0);
    expect(stdout).toContain('--listen-client-urls');
    expect(stderr).toMatch(/^Usage:\n/);
  });

  it('exits with 2 and the usage for an unknown flag', async () => {
    const { code, stdout, stderr } = await run(['--nam', 'x']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^flag provided but not defined: -nam\nDid you mean --name\?\nUsage:\n/);
  });

  it.each([
    [['--name=x'], { ETCD_NAME: 'y' }, 'conflicting environment variable is shadowed'],
    [['--log-outputs=/nonexistent/x.log'], {}, 'cannot open --log-outputs: ENOENT'],
    [['--name=x', '--initial-cluster=y=http://localhost:2380'], {}, "couldn't find local name"],
  ])('exits with 1, a JSON line and a plain one for %j', async (args, environment, message) => {
    const { code, stderr } = await run(args, environment as Record<string, string>);
    expect(code).toBe(1);
    const [json = '', plain = '', ...rest] = stderr.split('\n');
    expect(JSON.parse(json)).toMatchObject({
      level: 'warn',
      msg: 'failed to verify flags',
      error: expect.stringContaining(message),
    });
    expect(plain).toContain(`kvorum: ${message}`);
    expect(rest).toEqual(['']);
  });
});
