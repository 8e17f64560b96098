import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Etcdctl } from '../framework/etcdctl.ts';
import { eventually } from '../framework/eventually.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { runKvctl } from './in-process.ts';

const real = realEtcd('3.5');
const root = join(import.meta.dirname, '../..');

describe.skipIf(real === undefined)('kvctl and etcdctl side by side', () => {
  let server: TestMember;
  let etcdctl: Etcdctl;
  const kvctl = (args: readonly string[], interruption?: AbortSignal) => {
    const env = { ETCDCTL_ENDPOINTS: server.endpoint };
    return runKvctl({ args, env, ...(interruption === undefined ? {} : { interruption }) });
  };
  const keysOf = async (prefix: string) => {
    const { stdout } = await kvctl(['get', '--prefix', prefix]);
    return stdout.split('\n').slice(0, -1);
  };

  beforeAll(async () => {
    if (real === undefined) return;
    server = await startKvorum();
    etcdctl = new Etcdctl(real, server.endpoint);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('wait for each other’s locks', async () => {
    const release = new AbortController();
    const holder = kvctl(['lock', 'shared'], release.signal);
    await eventually('the lock is held', async () => (await keysOf('shared/')).length === 2);
    await using waiter = await etcdctl.start('lock', 'shared', 'echo', 'my', 'turn');
    await eventually('etcdctl waits', async () => (await keysOf('shared/')).length === 4);
    expect(waiter.stdout.lines).toEqual([]);
    release.abort();
    expect(await holder).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await holder).stdout).toMatch(/^shared\/[0-9a-f]+\n\n$/);
    expect(await waiter.stdout.firstLines(1)).toEqual(['my turn']);
    await waiter.exited;
    expect(await keysOf('shared/')).toEqual([]);
  });

  it('follow each other in an election', async () => {
    const resign = new AbortController();
    const leave = new AbortController();
    const first = kvctl(['elect', 'chair', 'ours'], resign.signal);
    await eventually('kvctl is elected', async () => (await keysOf('chair/')).length === 2);
    await using second = await etcdctl.start('elect', 'chair', 'theirs');
    await eventually('etcdctl waits', async () => (await keysOf('chair/')).length === 4);
    const observer = kvctl(['elect', '-l', 'chair'], leave.signal);
    await using other = await etcdctl.start('elect', '-l', 'chair');
    await other.stdout.firstLines(2);
    resign.abort();
    const seen = await other.stdout.firstLines(4);
    await second.stdout.firstLines(2);
    leave.abort();
    expect(seen.filter((_, at) => at % 2 === 1)).toEqual(['ours', 'theirs']);
    expect((await observer).stdout.split('\n').slice(0, 4)).toEqual(seen);
    expect(await observer).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await first).stdout).toBe(`${seen[0]}\nours\n`);
  });

  it('kvctl makes a mirror of a prefix, and goes on with what changes', async () => {
    await using destination = await startKvorum();
    await kvctl(['put', 'src/a', '1']);
    await kvctl(['put', 'src/b', '2']);
    await using mirror = await RunningProgram.start(join(root, 'node_modules/node/bin/node'), {
      args: [
        '--conditions=kvorum-source',
        join(root, 'packages/ctl/src/kvctl.ts'),
        'make-mirror',
        '--prefix=src/',
        '--dest-prefix=dst/',
        destination.endpoint,
      ],
      env: { ETCDCTL_ENDPOINTS: server.endpoint },
      lifetimeMs: 60_000,
    });
    const copied = async () => {
      const env = { ETCDCTL_ENDPOINTS: destination.endpoint };
      return (await runKvctl({ args: ['get', '--prefix', ''], env })).stdout;
    };
    // A process that starts from its sources may take a while on a busy machine.
    const base = async () => (await copied()) === 'dst/a\n1\ndst/b\n2\n';
    await eventually('the base is copied', base, 30_000);
    await kvctl(['del', 'src/a']);
    await kvctl(['put', 'src/c', '3']);
    await eventually('changes follow', async () => (await copied()) === 'dst/b\n2\ndst/c\n3\n');
    expect(mirror.stderr.text).toBe('');
  });
});
