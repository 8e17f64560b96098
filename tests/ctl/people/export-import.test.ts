import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prefixEnd } from '@kvorum/client';
import { expect, it } from 'vitest';
import { testServer } from './server.ts';

const server = testServer();

const bytes = (text: string) => Buffer.from(text);

async function fill(prefix: string, count: number): Promise<void> {
  for (let begin = 0; begin < count; begin += 100) {
    const success = Array.from({ length: Math.min(100, count - begin) }, (_, at) => {
      const name = String(begin + at).padStart(6, '0');
      const value = { key: bytes(prefix + name), value: bytes(`value ${name}`) };
      return { request: { case: 'requestPut' as const, value } };
    });
    await server.client.kv.txn({ success });
  }
}

async function all(prefix: string) {
  const range = { key: bytes(prefix), rangeEnd: prefixEnd(bytes(prefix)) };
  return (await server.client.kv.range(range)).kvs;
}

async function clear(prefix: string): Promise<void> {
  await server.client.kv.deleteRange({ key: bytes(prefix), rangeEnd: prefixEnd(bytes(prefix)) });
}

it('get writes a range of many pages as if it were one answer', async () => {
  await fill('paged/', 1500);
  const lines = (await all('paged/')).map(({ key, value }) => `${textOf(key)}\n${textOf(value)}\n`);
  expect((await server.kvctl('get --prefix paged/')).stdout).toBe(lines.join(''));
  expect((await server.kvctl('get --prefix paged/ --limit 700')).stdout).toBe(
    lines.slice(0, 700).join(''),
  );
  const values = await server.kvctl('get --prefix paged/ --print-value-only');
  expect(values.stdout.split('\n')).toHaveLength(1501);
  const descending = await server.kvctl('get --prefix paged/ --order descend --limit 700');
  expect(descending.stdout).toBe(lines.toReversed().slice(0, 700).join(''));
});

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString();
}

it('what export writes, import puts back, whatever the bytes are', async () => {
  const { client } = server;
  const { ID } = await client.lease.leaseGrant({ TTL: 600n });
  const binary = Uint8Array.of(0xff, 0xfe, 0x00, 0x0a);
  await client.kv.put({ key: bytes('back/a'), value: bytes('grüße\n"x"') });
  await client.kv.put({ key: bytes('back/b'), value: binary, lease: ID });
  await client.kv.put({ key: Buffer.concat([bytes('back/'), binary]), value: bytes('') });
  const before = await all('back/');
  const exported = await server.kvctl('export back/');
  const [first, second, third] = exported.stdout.split('\n');
  expect(JSON.parse(first ?? '')).toEqual({
    key: 'back/a',
    value: 'grüße\n"x"',
    create_revision: Number(before[0]?.createRevision),
    mod_revision: Number(before[0]?.modRevision),
    version: 1,
  });
  expect(JSON.parse(second ?? '')).toMatchObject({
    value_base64: '//4ACg==',
    lease: ID.toString(16),
  });
  expect(JSON.parse(third ?? '')).toMatchObject({ key_base64: 'YmFjay///gAK', value: '' });

  await clear('back/');
  const input = exported.stdout;
  const dry = await server.kvctl('import --dry-run', { input });
  expect(dry).toEqual({
    exitCode: 0,
    stdout: '3 to create, 0 to change, 0 unchanged\n',
    stderr: '',
  });
  expect(await all('back/')).toEqual([]);
  const imported = await server.kvctl('import', { input });
  expect(imported.stdout).toBe('3 created, 0 changed, 0 unchanged\n');
  const pairs = (kvs: typeof before) => kvs.map(({ key, value, lease }) => [key, value, lease]);
  expect(pairs(await all('back/'))).toEqual(pairs(before));
});

it('a second import writes only what differs', async () => {
  await fill('again/', 300);
  const input = (await server.kvctl('export again/')).stdout;
  await server.kvctl('put again/000007 other');
  const { kvs } = await server.client.kv.range({ key: bytes('again/000008') });
  expect((await server.kvctl('import -', { input })).stdout).toBe(
    '0 created, 1 changed, 299 unchanged\n',
  );
  expect((await server.client.kv.range({ key: bytes('again/000008') })).kvs).toEqual(kvs);
  expect((await server.kvctl('get again/000007')).stdout).toBe('again/000007\nvalue 000007\n');
});

it('an export goes on at its revision after the line that it came to', async () => {
  await fill('cut/', 400);
  const whole = (await server.kvctl('export cut/')).stdout;
  const revision = (await server.client.kv.range({ key: bytes('cut/') })).header?.revision;
  await server.kvctl('put cut/000300 changed');
  const lines = whole.split('\n').filter((line) => line !== '');
  const rest = await server.kvctl([
    'export',
    'cut/',
    `--rev=${revision}`,
    '--after',
    lines[149] ?? '',
  ]);
  expect(rest.stdout.split('\n').slice(0, -1)).toEqual(lines.slice(150));
  const from = await server.kvctl(`export cut/ --rev=${revision} --from-key cut/000398`);
  expect(from.stdout.split('\n').slice(0, -1)).toEqual(lines.slice(398));
  const torn = await server.kvctl(['export', '--after', '{"key":"cut/0001']);
  expect(torn.exitCode).toBe(3);
  expect(torn.stderr).toMatch('the line of --after is not what export writes');
});

it('import names the line that it cannot read, and keeps what came before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kvorum-import-'));
  const file = join(folder, 'keys.jsonl');
  await writeFile(file, '{"key":"bad/a","value":"1"}\n\n{"key":"bad/b"}\n');
  const result = await server.kvctl(['import', file]);
  await rm(folder, { recursive: true });
  expect(result.exitCode).toBe(3);
  expect(result.stderr.split('\n')).toEqual([
    'broke off: 1 created, 0 changed, 0 unchanged; to go on, start the same import again',
    `Error: ${file}: line 3 is not what export writes: it has no "value" or "value_base64" that is a string`,
    '',
  ]);
  expect(await all('bad/')).toHaveLength(1);
  const missing = await server.kvctl(['import', file]);
  expect([missing.exitCode, missing.stderr]).toEqual([6, expect.stringContaining('ENOENT')]);
});

it('keys of a lease that is gone need to be told what becomes of them', async () => {
  const input = '{"key":"gone/a","value":"1","lease":"1234"}\n{"key":"gone/b","value":"2"}\n';
  const kept = await server.kvctl('import', { input });
  expect(kept.exitCode).toBe(1);
  expect(kept.stderr).toMatch('etcdserver: requested lease not found: a lease of the file is gone');
  const skipped = await server.kvctl('import --leases=skip', { input });
  expect(skipped.stdout).toBe('1 created, 0 changed, 0 unchanged, 1 with a lease left out\n');
  const dropped = await server.kvctl('import --leases drop', { input });
  expect(dropped.stdout).toBe('1 created, 0 changed, 1 unchanged\n');
});

it('the last of several lines for one key wins', async () => {
  const input = ['1', '2', '3'].map((value) => `{"key":"twice","value":"${value}"}`).join('\n');
  expect((await server.kvctl('import', { input })).stdout).toBe(
    '1 created, 2 changed, 0 unchanged\n',
  );
  expect((await server.kvctl('get twice')).stdout).toBe('twice\n3\n');
});
