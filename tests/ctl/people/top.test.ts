import { beforeAll, expect, it } from 'vitest';
import { testServer } from './server.ts';

const server = testServer();

beforeAll(async () => {
  const put = (key: string, value: string) =>
    server.client.kv.put({ key: Buffer.from(key), value: Buffer.from(value) });
  await put('/app/small/1', 'x');
  await put('/app/large/1', 'x'.repeat(5000));
  await put('/app/large/2', 'x'.repeat(3000));
  await put('lone', 'x');
  for (let version = 1; version <= 7; version++) await put('/app/small/busy', 'x');
});

it('shows the largest prefixes and the most revised keys', async () => {
  const result = await server.kvctl('top --recent 7');
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result.stdout.replaceAll(/revision \d+/g, 'revision N').split('\n')).toEqual([
    '5 keys, 8.1 kB, revision N',
    '',
    '  SIZE  KEYS  RECENT  PREFIX',
    '8.0 kB     2       0  /app/large/',
    '  29 B     2       1  /app/small/',
    '   5 B     1       0  (no slash)',
    '',
    'VERSION    SIZE  KEY',
    '      7    16 B  /app/small/busy',
    '      1  5.0 kB  /app/large/1',
    '      1  3.0 kB  /app/large/2',
    '      1    13 B  /app/small/1',
    '      1     5 B  lone',
    '',
  ]);
});

it('takes a prefix, a depth and a number of rows', async () => {
  const result = await server.kvctl('top /app/ --depth 1 --rows 1 -w json');
  expect(JSON.parse(result.stdout)).toMatchObject({
    keys: 4,
    prefixes: [{ prefix: '/app/', keyCount: 4 }],
    mostRevised: [{ key: '/app/small/busy', version: 7 }],
  });
});

it('says how fast prefixes grow when it looks more than once', async () => {
  const { stdout } = await server.kvctl('top --rounds 2 --interval 1ms -w json');
  const [first, second] = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  expect(first.prefixes[0]).not.toHaveProperty('growthBytesPerSecond');
  expect(second.prefixes[0].growthBytesPerSecond).toBe(0);
  const text = (await server.kvctl('top --rounds 2 --interval 1ms')).stdout;
  expect(text).toMatch(/GROWTH {2}PREFIX\n.* \+0 B\/s {2}\/app\/large\/\n/);
});
