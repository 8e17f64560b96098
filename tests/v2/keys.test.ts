import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDifference } from '../framework/known-differences.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { keyRequests, parseStep } from './key-requests.ts';
import { canonical, type RawRequest, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

describe.skipIf(!hasEtcd)('the v2 keys, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  async function expectSame(step: RawRequest): Promise<void> {
    const { kvorum, etcds } = servers;
    const ask = async ({ url }: TestMember) => canonical(await send(url, step));
    const [answer, ...expected] = await Promise.all([kvorum, ...etcds].map(ask));
    for (const other of expected) expect(answer).toEqual(other);
  }

  it.each(keyRequests.map((line) => [line]))('%s', (line) => expectSame(parseStep(line)));

  it.each([
    'text/plain',
    'application/json',
    'application/x-www-form-urlencoded; charset=utf-8',
    'APPLICATION/X-WWW-FORM-URLENCODED',
    'application/x-www-form-urlencoded;',
    'application/x-www-form-urlencoded; a=1; a=2',
    'application/x-www-form-urlencoded; a',
    'application/x-www-form-urlencoded; a="x;y"',
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'bad',
    'bad/',
    '/bad',
    'bad/type/again',
    'bad type',
    ';;;',
  ])('a body of type %s', (type) =>
    expectSame({
      method: 'PUT',
      target: '/v2/keys/typed',
      headers: { 'content-type': type },
      body: 'value=1',
    }),
  );

  it('a body without a type', () =>
    expectSame({
      method: 'PUT',
      target: '/v2/keys/typed?value=2',
      headers: { 'content-type': '' },
      body: 'value=1',
    }));
});

describe('a directory', () => {
  it('can be given another TTL', async () => {
    knownDifference('v2-update-of-directory');
    await using member = await startKvorum({ flags: ['--enable-v2'] });
    const ask = async (line: string) => canonical(await send(member.url, parseStep(line)));
    await ask('PUT /dir dir=true');
    const given = await ask('PUT /dir dir=true&prevExist=true&ttl=100');
    expect(JSON.parse(given.body)).toEqual({
      action: 'update',
      node: {
        key: '/dir',
        dir: true,
        expiration: 'MOMENT',
        ttl: 100,
        modifiedIndex: 5,
        createdIndex: 4,
      },
      prevNode: { key: '/dir', dir: true, modifiedIndex: 4, createdIndex: 4 },
    });
    expect((await ask('PUT /dir refresh=true&ttl=50&prevExist=true')).status).toBe(200);
    const shown = await ask('GET /dir');
    expect(JSON.parse(shown.body).node).toEqual({
      key: '/dir',
      dir: true,
      expiration: 'MOMENT',
      ttl: 50,
      modifiedIndex: 4,
      createdIndex: 4,
    });
  });
});
