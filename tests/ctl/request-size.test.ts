import { afterAll, beforeAll, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { golden } from './golden.ts';
import { runKvctl } from './in-process.ts';

golden('the largest request', [
  { args: 'put large', input: 'x'.repeat(3 * 1024 * 1024) },
  'get large --keys-only',
]);

let member: TestMember;
beforeAll(async () => {
  member = await startKvorum();
});
afterAll(() => member[Symbol.asyncDispose]());

it('is what --max-request-bytes says', async () => {
  const put = (limit: number) => {
    const args = ['put', 'key', 'x'.repeat(100), `--max-request-bytes=${limit}`];
    return runKvctl({ args, env: { ETCDCTL_ENDPOINTS: member.endpoint } });
  };
  // Key and value, and two bytes before each.
  expect(await put(106)).toMatchObject({ exitCode: 1, stdout: '' });
  expect((await put(106)).stderr).toContain('trying to send message larger than max (107 vs. 106)');
  expect(await put(107)).toEqual({ exitCode: 0, stdout: 'OK\n', stderr: '' });
});
