import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { type ProgramResult, runKvctl } from './in-process.ts';

const keys = 300;
const real = realEtcd('3.5');
let member: TestMember;

function run(...args: string[]): Promise<ProgramResult> {
  return runKvctl({ args: [...args, '--endpoints', member.endpoint] });
}

beforeAll(async () => {
  member = await startKvorum();
  const puts = Array.from({ length: keys }, (_, i) => `put k${String(i).padStart(3, '0')} v${i}`);
  for (let at = 0; at < keys; at += 100) {
    const input = `\n${puts.slice(at, at + 100).join('\n')}\n\n\n`;
    const call = { args: ['txn', '--endpoints', member.endpoint], input };
    expect((await runKvctl(call)).exitCode).toBe(0);
  }
});
afterAll(() => member[Symbol.asyncDispose]());

describe('get --stream', () => {
  it.each([
    ['k', '--prefix'],
    ['k', '--prefix', '--limit=25', '-w', 'json'],
    ['k', '--prefix', '-w', 'json'],
    ['k', '--prefix', '-w', 'fields'],
    ['k', '--prefix', '-w', 'protobuf'],
    ['k', '--prefix', '--keys-only'],
    ['k', '--prefix', '--print-value-only'],
    ['k', '--prefix', '--hex'],
    ['k', '--prefix', '--count-only', '-w', 'fields'],
    ['k', '--prefix', '--rev=2'],
    ['k001'],
    ['nothing'],
    ['nothing', '-w', 'json'],
  ])('prints what get does: %s %s %s %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined);
    expect(await run('get', ...words, '--stream')).toEqual(await run('get', ...words));
  });

  it('says what the server does not stream', async () => {
    expect(await run('get', 'k', '--prefix', '--order=DESCEND', '--stream')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Error: RangeStream does not support custom sort orders\n',
    });
  });

  it.skipIf(real === undefined)('fails with a server that has no streams', async () => {
    if (real === undefined) return;
    await using etcd = await startEtcd(real);
    const call = { args: ['get', 'a', '--stream', '--endpoints', etcd.endpoint] };
    const { exitCode, stderr } = await runKvctl(call);
    expect([exitCode, stderr]).toEqual([
      1,
      'Error: unknown method RangeStream for service etcdserverpb.KV\n',
    ]);
  });
});
