import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestMember } from '../framework/member.ts';
import { canonical, type RawRequest, type RawResponse, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

const json = { 'content-type': 'application/json' };
/** What a member in the tests advertises to others. */
const ownUrl = 'http://127.0.0.1:2380';

const bodies = [
  '',
  'x',
  '{',
  '[]',
  '3',
  '"x"',
  'null',
  'true',
  'nul',
  '{}',
  '{} x',
  '-',
  '1.',
  '1e',
  '"a',
  '"\\',
  '"\\u12',
  '{"a"}',
  '{"a":1,}',
  '{"a" 1}',
  '{"a":[1 2]}',
  '{"a":01}',
  '{"a":-}',
  '{"a":1.}',
  '{"a":1e}',
  '{"a":"\n"}',
  '{"a":"\\q"}',
  '{"a":"\\u12g4"}',
  "{'a':1}",
  '{"peerURLs":[]}',
  '{"peerURLs":null}',
  '{"peerURLs":"x"}',
  '{"peerURLs":[3]}',
  '{"peerURLs":{}}',
  '{"peerURLs":["xx"]}',
  '{"peerURLs":["xx://a:1"]}',
  '{"peerURLs":["http://a"]}',
  '{"peerURLs":["http://a:1/p"]}',
  `{"peerURLs":["${ownUrl}"]}`,
];

const requests: readonly RawRequest[] = [
  ...bodies.map((body) => ({ method: 'POST', target: '/v2/members', headers: json, body })),
  { method: 'POST', target: '/v2/members', body: '{"peerURLs":["http://127.0.0.1:1"]}' },
  {
    method: 'POST',
    target: '/v2/members',
    headers: { 'content-type': 'Text/Plain;a=b' },
    body: '{}',
  },
  ...['PUT', 'DELETE'].flatMap((method) =>
    ['', '/', '/xyz', '/11112222333344445'].map((id) => ({
      method,
      target: `/v2/members${id}`,
      headers: json,
      body: '{"peerURLs":["http://127.0.0.1:1"]}',
    })),
  ),
  { method: 'PUT', target: '/v2/members/abc', headers: json, body: '{"peerURLs":["bad"]}' },
  { method: 'PUT', target: '/v2/members/abc', headers: json, body: '{"peerURLs":["http://a:1"]}' },
  { method: 'DELETE', target: '/v2/members/abc' },
  ...['/v2/members/nope', '/v2/members/leader/', '/v2/membersx', '/v2/stats', '/v2/machines/'].map(
    (target) => ({ method: 'GET', target }),
  ),
  ...['/v2/stats/self/', '/v2/stats/nope', '/v2//members'].map((target) => ({
    method: 'GET',
    target,
  })),
  ...['/v2/members', '/v2/machines', '/v2/stats/self', '/v2/stats/leader', '/v2/stats/store'].map(
    (target) => ({ method: 'PATCH', target }),
  ),
  { method: 'HEAD', target: '/v2/members' },
  { method: 'HEAD', target: '/v2/stats/self' },
];

describe.skipIf(!hasEtcd)('the v2 pages about members, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  /** What all servers answer; addresses for clients are masked. */
  async function askAll(
    request: RawRequest,
    mask: (response: RawResponse) => RawResponse = (response) => response,
  ): Promise<object[]> {
    const ask = async ({ url, endpoint }: TestMember) => {
      const response = await send(url, request);
      const body = response.body.replaceAll(endpoint, 'CLIENT');
      return canonical(mask({ ...response, body }));
    };
    return await Promise.all([servers.kvorum, ...servers.etcds].map(ask));
  }

  function expectSame(answers: readonly object[]): void {
    const [ours, ...theirs] = answers;
    for (const other of theirs) expect(ours).toEqual(other);
  }

  it.each(requests.map((request) => [JSON.stringify(request), request] as const))(
    '%s',
    async (_name, request) => expectSame(await askAll(request)),
  );

  it.each(['/v2/members', '/v2/members/', '/v2/members/leader', '/v2/machines'])(
    'GET %s',
    async (target) => expectSame(await askAll({ method: 'GET', target })),
  );

  it('GET /v2/stats/leader', async () =>
    expectSame(await askAll({ method: 'GET', target: '/v2/stats/leader' })));

  it('GET /v2/stats/self', async () => {
    const mask = (response: RawResponse) => {
      const body = response.body.replace(/"uptime":"[^"]+"/, '"uptime":"T"');
      return { ...response, body };
    };
    expectSame(await askAll({ method: 'GET', target: '/v2/stats/self' }, mask));
  });

  it('GET /v2/stats/store', async () => {
    for (const [method, target, body] of [
      ['PUT', '/v2/keys/a', 'value=1'],
      ['PUT', '/v2/keys/a', 'prevExist=false'],
      ['PUT', '/v2/keys/a', 'prevExist=true&value=2'],
      ['PUT', '/v2/keys/nope', 'prevExist=true&value=2'],
      ['PUT', '/v2/keys/a/b', 'value=2'],
      ['POST', '/v2/keys/a', 'value=2'],
      ['POST', '/v2/keys/q', 'value=2'],
      ['PUT', '/v2/keys/a', 'prevValue=2&value=3'],
      ['PUT', '/v2/keys/a', 'prevValue=2&value=3'],
      ['DELETE', '/v2/keys/a?prevValue=3', ''],
      ['DELETE', '/v2/keys/a?prevValue=3', ''],
      ['DELETE', '/v2/keys/q?recursive=true', ''],
      ['DELETE', '/v2/keys/q', ''],
    ] as const) {
      expectSame(await askAll({ method, target, body }));
    }
    // etcd looks up users of its own in the store; and it counts its membership.
    const mask = (response: RawResponse) => {
      const body = response.body.replace(/"(gets|sets|create)(Success|Fail)":\d+/g, '"$1$2":0');
      return { ...response, body };
    };
    expectSame(await askAll({ method: 'GET', target: '/v2/stats/store' }, mask));
  });

  it('a member that is added, moved and removed', async () => {
    const urls = (url: string) => ({ headers: json, body: `{"peerURLs":["${url}"]}` });
    const { url } = servers.kvorum;
    const added = await send(url, {
      method: 'POST',
      target: '/v2/members',
      headers: json,
      body: '{"peerURLs":["http://127.0.0.1:2","http://127.0.0.1:1"]}',
    });
    expect(added.status).toBe(201);
    expect(JSON.parse(added.body)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{1,16}$/),
      name: '',
      peerURLs: ['http://127.0.0.1:1', 'http://127.0.0.1:2'],
      clientURLs: [],
    });
    // Two voters, one of which never starts, agree on nothing more: the rest is tests/ctl/v2's, with three.
    const members = await send(url, { method: 'GET', target: '/v2/members' });
    expect(JSON.parse(members.body).members).toHaveLength(2);
    const conflict = await send(url, {
      method: 'PUT',
      target: '/v2/members/abc',
      ...urls('http://127.0.0.1:9'),
    });
    expect([conflict.status, conflict.body]).toEqual([404, '{"message":"No such member: abc"}']);
  });
});
