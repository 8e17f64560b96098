import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectRpc } from '@kvorum/client';
import { type CommandEntry, kvctlProgram, type Program } from '@kvorum/ctl';
import { beforeAll, expect, it } from 'vitest';
import { startEtcd } from '../../framework/member.ts';
import { realEtcd } from '../../framework/real-etcd.ts';
import { runKvctl } from '../in-process.ts';
import { testServer } from './server.ts';

const server = testServer();

/** Rows for all commands that have arguments of a cluster, whatever they do. */
const load = kvctlProgram.commands.find(({ name }) => name === 'get')?.load;
const row = (name: string, subcommands: readonly CommandEntry[] = []): CommandEntry => ({
  name,
  summary: '',
  ...(load === undefined ? {} : { load }),
  subcommands,
});
const program: Program = {
  ...kvctlProgram,
  commands: [
    row('get'),
    row('move-leader'),
    row('lease', [row('revoke')]),
    row('user', [row('grant-role')]),
    row('role', [row('get')]),
  ],
};

const complete = (...words: readonly string[]) => completeAt(server.member.endpoint, ...words);

async function completeAt(endpoint: string, ...words: readonly string[]): Promise<string[]> {
  const env = { ETCDCTL_ENDPOINTS: endpoint };
  const { exitCode, stdout, stderr } = await runKvctl(
    { args: ['__complete', ...words], env },
    program,
  );
  expect([exitCode, stderr]).toEqual([0, '']);
  return Buffer.from(stdout, 'latin1')
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}

let leaseId = '';
let memberId = '';

beforeAll(async () => {
  const { client } = server;
  const put = (key: string) => client.kv.put({ key: Buffer.from(key) });
  for (const key of ['apps/web/1', 'apps/web/2', 'apps/zoo', 'apple', 'b c', 'grüße/x']) {
    await put(key);
  }
  const many = Array.from({ length: 120 }, (_, at) => ({
    request: { case: 'requestPut' as const, value: { key: Buffer.from(`apps/many/${at}`) } },
  }));
  await client.kv.txn({ success: many });
  leaseId = (await client.lease.leaseGrant({ TTL: 600n })).ID.toString(16);
  memberId = ((await client.cluster.memberList({})).members[0]?.ID ?? 0n).toString(16);
});

it('completes keys up to their next slash, of folders of any size', async () => {
  expect(await complete('get', '')).toEqual(['apple', 'apps/', 'grüße/']);
  expect(await complete('get', 'app')).toEqual(['apple', 'apps/']);
  expect(await complete('get', '--prefix', 'apps/')).toEqual([
    'apps/many/',
    'apps/web/',
    'apps/zoo',
  ]);
  expect(await complete('get', 'apps/web/')).toEqual(['apps/web/1', 'apps/web/2']);
  expect(await complete('get', 'apple', '')).toEqual([]);
  expect(await complete('get', '--limit', '')).toEqual([]);
});

it('completes members and leases', async () => {
  expect(await complete('move-leader', '')).toEqual([memberId]);
  expect(await complete('lease', 'revoke', '')).toEqual([leaseId]);
});

const real = realEtcd('3.5');
it.skipIf(real === undefined)('completes users and roles of an etcd', async () => {
  if (real === undefined) return;
  await using etcd = await startEtcd(real);
  using client = connectRpc({ endpoints: [etcd.endpoint] });
  await client.auth.userAdd({ name: 'alice', options: { noPassword: true } });
  await client.auth.roleAdd({ name: 'reader' });
  const ask = (...words: readonly string[]) => completeAt(etcd.endpoint, ...words);
  expect(await ask('user', 'grant-role', 'a')).toEqual(['alice']);
  expect(await ask('user', 'grant-role', 'alice', '')).toEqual(['reader']);
  expect(await ask('role', 'get', 'x')).toEqual([]);
});

it('is silent when nobody answers, or a password is missing', async () => {
  expect(await complete('get', '--endpoints=127.0.0.1:1', '')).toEqual([]);
  expect(await complete('get', '--user=alice', '')).toEqual([]);
  expect(await complete('get', '--nosuch', '')).toEqual([]);
});

it('bash completes keys by the script', async () => {
  const main = join(import.meta.dirname, '../../../packages/ctl/src/kvctl.ts');
  const script = `
    kvctl() { "$NODE" --conditions=kvorum-source "$MAIN" "$@"; }
    eval "$(kvctl completion bash)"
    COMP_WORDS=(kvctl get --prefix apps/w) COMP_CWORD=3
    _kvctl_complete 2>/dev/null
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = {
    NODE: process.execPath,
    MAIN: main,
    PATH: process.env.PATH,
    ETCDCTL_ENDPOINTS: server.member.endpoint,
  };
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], { env });
  expect(stdout).toBe('apps/web/\n');
});
