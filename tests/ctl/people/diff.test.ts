import { beforeAll, expect, it } from 'vitest';
import { testServer } from './server.ts';

const server = testServer();
let before = 0n;

const put = (key: string, value: string | Uint8Array) =>
  server.client.kv.put({ key: Buffer.from(key), value: Buffer.from(value as string) });

beforeAll(async () => {
  await put('d/changed', 'old');
  await put('d/removed', 'bye');
  await put('d/same', 'same');
  const { header } = await put('d/recreated', 'x');
  before = header?.revision ?? 0n;
  await put('d/added', Uint8Array.of(0xff));
  await put('d/changed', 'new');
  await put('other', 'y');
  for (const key of ['d/removed', 'd/recreated', 'other']) {
    await server.client.kv.deleteRange({ key: Buffer.from(key) });
  }
  await put('d/recreated', 'x');
});

it('shows what was added, changed and removed', async () => {
  const result = await server.kvctl(`diff ${before}`);
  expect(result.exitCode).toBe(0);
  expect(result.stdout.split('\n')).toEqual([
    '+ "d/added" base64:/w==',
    '~ "d/changed" "old" -> "new"',
    '~ "d/recreated" "x" -> "x"',
    '- "d/removed" "bye"',
    '',
  ]);
  const keys = await server.kvctl(`diff ${before} --keys-only --exit-code d/c`);
  expect([keys.stdout, keys.exitCode]).toEqual(['~ "d/changed"\n', 1]);
});

it('the second revision may be any', async () => {
  const between = await server.kvctl(`diff ${before} ${before + 3n}`);
  expect(between.stdout.split('\n')).toEqual([
    '+ "d/added" base64:/w==',
    '~ "d/changed" "old" -> "new"',
    '+ "other" "y"',
    '',
  ]);
  const backward = await server.kvctl(`diff ${before + 1n} ${before} d/`);
  expect(backward.stdout).toBe('- "d/added" base64:/w==\n');
  expect((await server.kvctl(`diff ${before} ${before} --exit-code`)).exitCode).toBe(0);
});

it('writes lines of JSON', async () => {
  const { stdout } = await server.kvctl(`diff ${before} d/ -w json`);
  const lines = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  expect(lines.map(({ change }) => change)).toEqual(['added', 'changed', 'changed', 'removed']);
  expect(lines[0]).toMatchObject({ key: 'd/added', after: { value_base64: '/w==', version: 1 } });
  expect(lines[1]).toMatchObject({
    before: { value: 'old', version: 1 },
    after: { value: 'new', mod_revision: Number(before) + 2 },
  });
});

it('says what it wants and what is not there any more', async () => {
  expect((await server.kvctl('diff d/')).exitCode).toBe(128);
  expect((await server.kvctl('diff 2 3 a b')).exitCode).toBe(128);
  expect((await server.kvctl('diff 2 -w fields')).exitCode).toBe(4);
  const future = await server.kvctl('diff 2 9999');
  expect([future.exitCode, future.stderr]).toEqual([
    1,
    'Error: etcdserver: mvcc: required revision is a future revision\n',
  ]);
  await server.client.kv.compact({ revision: before + 1n });
  const compacted = await server.kvctl('diff 2');
  expect(compacted.stderr).toBe('Error: etcdserver: mvcc: required revision has been compacted\n');
});
