import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../framework/eventually.ts';
import { startEtcd, type TestMember } from '../../framework/member.ts';
import { RunningProgram } from '../../framework/process.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { runKvctl } from '../in-process.ts';
import { goldenV2 } from './golden-v2.ts';

const index = { capture: { index: /Modified-Index: (\d+)/ } };

goldenV2('v2 watches of what has happened', [
  { args: '-o extended set /w/a 1', ...index },
  'set /w/a 2',
  'watch --after-index {index} /w/a',
  'watch --after-index {index} --recursive /w',
  '-o extended watch --after-index {index} /w/a',
  '-o json watch /w/a --after-index {index}',
  'mkdir /w/dir',
  'rm /w/a',
  { args: '-o extended set /w/b 1', ...index },
  'set --ttl 100 /w/b 2',
  '-o json watch -r --after-index {index} /w',
  'rm /w/b',
  { args: '-o extended set /w/c 1', ...index },
  'rm /w/c',
  'watch -r --after-index {index} /w',
  '-o json watch -r --after-index {index} /w',
  'watch',
  'exec-watch',
  'exec-watch /w',
]);

const real = realEtcd('3.5');

describe.skipIf(real === undefined)('v2 watches of what is to come', () => {
  let server: TestMember;

  beforeAll(async () => {
    if (real !== undefined) server = await startEtcd(real, { flags: ['--enable-v2'] });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const env = () => ({
    ETCDCTL_API: '2',
    ETCDCTL_ENDPOINTS: server.url,
    PATH: process.env.PATH ?? '',
  });
  const kvctl = (args: readonly string[], interruption?: AbortSignal) =>
    runKvctl({ args, env: env(), ...(interruption === undefined ? {} : { interruption }) });
  const watchers = async () => {
    const answer = await fetch(`${server.url}/v2/stats/store`);
    return ((await answer.json()) as { watchers: number }).watchers;
  };

  /** Runs the real etcdctl and kvctl side by side while keys are written, and interrupts both. */
  async function both(args: readonly string[], change: () => Promise<unknown>, lines: number) {
    const stop = new AbortController();
    const ours = kvctl(args, stop.signal);
    await using theirs = await RunningProgram.start(real?.etcdctl ?? '', { args, env: env() });
    await eventually('both watch', async () => (await watchers()) === 2);
    await change();
    await theirs.stdout.firstLines(lines);
    // Both have seen the last change once they wait for the next one.
    await eventually('both watch again', async () => (await watchers()) === 2);
    stop.abort();
    const status = await theirs.stop('SIGINT');
    const { stdout, stderr, exitCode } = await ours;
    return {
      ours: { stdout, stderr, exitCode },
      theirs: { stdout: theirs.stdout.text, stderr: theirs.stderr.text, exitCode: status.code },
    };
  }

  it('go on until they are interrupted', async () => {
    const change = async () => {
      await kvctl(['set', '/live/a', '1']);
      await eventually('they go on', async () => (await watchers()) === 2);
      await kvctl(['set', '/live/b/c', '2']);
    };
    const { ours, theirs } = await both(['watch', '-f', '-r', '/live'], change, 4);
    expect(ours).toEqual(theirs);
    expect(ours).toEqual({
      stdout: '[set] /live/a\n1\n[set] /live/b/c\n2\n',
      stderr: '',
      exitCode: 0,
    });
  });

  it('run a program at each event', async () => {
    const script =
      'echo $ETCD_WATCH_ACTION $ETCD_WATCH_KEY=$ETCD_WATCH_VALUE at $ETCD_WATCH_MODIFIED_INDEX';
    const change = async () => {
      await kvctl(['mkdir', '/exec/dir']);
      await eventually('they go on', async () => (await watchers()) === 2);
      await kvctl(['set', '/exec/a', '1']);
    };
    const args = ['exec-watch', '-r', '/exec', '--', 'sh', '-c', script];
    const { ours, theirs } = await both(args, change, 1);
    expect(ours).toEqual(theirs);
    expect(ours.stdout).toMatch(/^set \/exec\/a=1 at \d+\n$/);
  });

  it('tell of a program that does not exist', async () => {
    const args = ['exec-watch', '-r', '/none', '--', '/no/such/program'];
    const stop = new AbortController();
    const ours = kvctl(args, stop.signal);
    await eventually('it watches', async () => (await watchers()) === 1);
    await kvctl(['set', '/none/a', '1']);
    const { exitCode, stderr } = await ours;
    expect([exitCode, stderr]).toEqual([
      1,
      'fork/exec /no/such/program: no such file or directory\n',
    ]);
  });
});
