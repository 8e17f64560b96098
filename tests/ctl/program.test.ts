import { describe, expect, it } from 'vitest';
import { runKvctl } from './in-process.ts';

const nobody = '127.0.0.1:1';

describe('kvctl', () => {
  it.each([
    { args: ['-d', 'example.com'], env: {} },
    { args: [], env: { ETCDCTL_DISCOVERY_SRV: 'example.com' } },
  ])('speaks to nobody when it is to look endpoints up: $args $env', async ({ args, env }) => {
    const call = ['get', 'a', '--endpoints', nobody, ...args];
    const { exitCode, stdout, stderr } = await runKvctl({ args: call, env });
    expect(stderr).toBe(
      'Error: endpoints of "example.com" can\'t be looked up in DNS: --discovery-srv is not supported yet; ' +
        'name them with --endpoints\n',
    );
    expect([exitCode, stdout]).toEqual([128, '']);
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
