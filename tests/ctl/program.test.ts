import { describe, expect, it } from 'vitest';
import { runKvctl } from './in-process.ts';

describe('kvctl', () => {
  it('heeds the version of the API that scripts name', async () => {
    const run = (version: string) => runKvctl({ args: ['version'], env: { ETCDCTL_API: version } });
    expect(await run('3')).toEqual(await runKvctl({ args: ['version'] }));
    expect(await run('2')).toEqual({
      exitCode: 3,
      stdout: '',
      stderr: "No help topic for 'version'\n",
    });
  });

  it('helps in both ways', async () => {
    expect(await runKvctl({ args: ['help', 'member', 'add'] })).toEqual(
      await runKvctl({ args: ['member', 'add', '--help'] }),
    );
    expect(await runKvctl({ args: ['help'] })).toEqual(await runKvctl({ args: [] }));
    const { exitCode, stderr } = await runKvctl({ args: ['help', 'nothing'] });
    expect([exitCode, stderr.split('\n')[0]]).toEqual([
      1,
      'Error: unknown command "nothing" for "etcdctl"',
    ]);
  });

  it('lists the options that help leaves out', async () => {
    const { stdout } = await runKvctl({ args: ['options'] });
    for (const flag of ['--endpoints strings', '-w, --write-out string', '--user string']) {
      expect(stdout).toContain(flag);
    }
    expect((await runKvctl({ args: ['get', '--help'] })).stdout).not.toContain('--endpoints');
  });
});
