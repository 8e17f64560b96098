import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { golden } from './golden.ts';
import { runKvctl } from './in-process.ts';

golden('check', [
  'put /etcdctl-check-perf/a b',
  'put /etcdctl-check-datascale/a b',
  'put mine b',
  'check perf',
  'check perf surplus',
  'check perf --prefix mi',
  'check perf --load=unknown',
  'check perf --endpoints 127.0.0.1:1 --load=unknown',
  'check datascale',
  'check datascale --load=unknown',
  'del --prefix /',
  {
    args: 'check datascale --load small --auto-compact --auto-defrag',
    differs: ['check-progress'],
    mask: /-?[\d.]+(?= MB\.)/g,
  },
  'get --prefix / --keys-only',
]);

const real = realEtcd('3.5');
const kinds = real === undefined ? (['kvorum'] as const) : (['etcd', 'kvorum'] as const);

describe.each(kinds)('check on %s', (kind) => {
  let member: TestMember;
  beforeAll(async () => {
    member = await (kind === 'etcd' && real !== undefined ? startEtcd(real) : startKvorum());
  });
  afterAll(() => member[Symbol.asyncDispose]());

  const run = (args: string, interruption?: AbortSignal) =>
    runKvctl({
      args: args.split(' '),
      env: { ETCDCTL_ENDPOINTS: member.endpoint },
      ...(interruption === undefined ? {} : { interruption }),
    });

  it('says of each figure whether it is good enough, and leaves no keys', async () => {
    const result = await run('check perf --duration 300ms --auto-compact --auto-defrag');
    const lines = result.stdout.replaceAll(member.endpoint, 'ENDPOINT').split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^Compacting with revision \d+$/),
      expect.stringMatching(/^Compacted with revision \d+$/),
      'Defragmenting "ENDPOINT"',
      'Defragmented "ENDPOINT"',
      // The figures are those of a busy machine, so either word may come.
      expect.stringMatching(/^(PASS: Throughput is|FAIL: Throughput too low:) \d+ writes\/s$/),
      expect.stringMatching(
        /^(PASS: Slowest request took|Slowest request took too long:) [\d.]+s$/,
      ),
      expect.stringMatching(/^(PASS: Stddev is|Stddev too high:) \d+\.\d{6}s$/),
      result.exitCode === 0 ? 'PASS' : 'FAIL',
      '',
    ]);
    expect(result.exitCode).toBeLessThanOrEqual(1);
    expect(result.stderr).toBe('');
    expect((await run('get --prefix / --keys-only')).stdout).toBe('');
  });

  it('fails and says so where the load is more than a machine bears', async () => {
    const result = await run('check perf --duration 1ms --load xl');
    expect(result.stdout).toMatch(/^FAIL: Throughput too low: \d+ writes\/s\n[\s\S]*\nFAIL\n$/);
    expect(result).toMatchObject({ exitCode: 1, stderr: '' });
  });

  it.each(['perf', 'datascale'])('%s leaves no keys when it is interrupted', async (name) => {
    const interruption = new AbortController();
    const running = run(`check ${name} --load m`, interruption.signal);
    while ((await run('get --prefix / --keys-only --limit 1')).stdout === '');
    interruption.abort();
    expect(await running).toMatchObject({ exitCode: 5, stderr: '' });
    expect((await run('get --prefix / --keys-only')).stdout).toBe('');
  });
});
