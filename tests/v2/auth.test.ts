import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestMember } from '../framework/member.ts';
import { canonical, type RawRequest, send } from './raw-request.ts';
import { hasEtcd, startV2Servers, type V2Servers } from './servers.ts';

/** `[user:password@]METHOD /path body`; the body is JSON below /v2/auth, and a form below /v2/keys. */
function parse(line: string): RawRequest {
  const [, credentials, method = '', path = '', body] =
    /^(?:(\S+)@)?([A-Z]+) (\S+)(?: (.*))?$/s.exec(line) ?? [];
  const isKey = path.startsWith('/keys');
  const basic = credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` };
  const type = isKey ? {} : { 'content-type': 'application/json' };
  return {
    method,
    target: `/v2${path}`,
    headers: { ...(body === undefined ? {} : type), ...basic },
    ...(body === undefined ? {} : { body }),
  };
}

const requests = [
  'GET /auth/enable',
  'POST /auth/enable',
  'GET /auth/users',
  'GET /auth/users/',
  'GET /auth/roles',
  'GET /auth/nothing',
  'GET /auth',
  'GET /auth/enable/',
  'PUT /auth/enable',
  'DELETE /auth/enable',
  // Users.
  'GET /auth/users/ada',
  'PUT /auth/users/ada',
  'PUT /auth/users/ada {',
  'PUT /auth/users/ada []',
  'PUT /auth/users/ada null',
  'PUT /auth/users/ada {"user":3}',
  'PUT /auth/users/ada {"user":"bob"}',
  'PUT /auth/users/ada {"user":"ada"}',
  'PUT /auth/users/ada {"user":"ada","password":""}',
  'PUT /auth/users/ada {"user":"ada","grant":["r"]}',
  'PUT /auth/users/ada {"user":"ada","password":"secret"}',
  'GET /keys/',
  'PUT /auth/users/ada {"user":"ada","password":"secret","roles":["r"]}',
  'PUT /auth/users/ada {"user":"ada"}',
  'PUT /auth/users/ada {"user":"ada"}',
  'PUT /auth/users/ada {"user":"ada","password":"other"}',
  'PUT /auth/users/ada {"user":"ada","grant":["reader"]}',
  'PUT /auth/users/ada {"user":"ada","grant":["reader"]}',
  'PUT /auth/users/ada {"user":"ada","grant":["a","b"],"revoke":["a"]}',
  'PUT /auth/users/ada {"user":"ada","revoke":["nope"]}',
  'PUT /auth/users/ada {"user":"ada","roles":["x"],"grant":["y"]}',
  'GET /auth/users/ada',
  'PUT /auth/users/bob {"user":"bob","password":"pw","roles":["b","a"]}',
  'GET /auth/users',
  'GET /auth/users/a/b',
  'POST /auth/users/ada {}',
  'PUT /auth/users {}',
  'DELETE /auth/users/nope',
  // Roles.
  'GET /auth/roles/reader',
  'GET /auth/roles/root',
  'PUT /auth/roles/reader {',
  'PUT /auth/roles/reader {"role":"other"}',
  'PUT /auth/roles/reader {"role":"reader","permissions":{"kv":{"read":["/r/*"],"write":["/w"]}}}',
  'PUT /auth/roles/reader {"role":"reader"}',
  'GET /auth/users/ada',
  'PUT /auth/users/ada {"user":"ada","revoke":["b"]}',
  'GET /auth/users/ada',
  'GET /auth/users',
  'PUT /auth/roles/bare {"role":"bare"}',
  'GET /auth/roles/bare',
  'PUT /auth/roles/bare {"role":"bare","grant":{"kv":{"read":["/b*","/a"]}}}',
  'PUT /auth/roles/bare {"role":"bare","grant":{"kv":{"read":["/a"]}}}',
  'PUT /auth/roles/bare {"role":"bare","grant":{"kv":{"write":["/a","/a"]}}}',
  'PUT /auth/roles/bare {"role":"bare","revoke":{"kv":{"write":["/zz"]}}}',
  'PUT /auth/roles/bare {"role":"bare","revoke":{"kv":{"read":["/a"]}}}',
  'PUT /auth/roles/nope {"role":"nope","grant":{"kv":{"read":["/a"]}}}',
  'PUT /auth/roles/bare {"role":"bare","permissions":{"kv":{"read":["/x"]}},"grant":{"kv":{"read":["/y"]}}}',
  'PUT /auth/roles/root {"role":"root"}',
  'PUT /auth/roles/root {"role":"root","grant":{"kv":{"read":["/y"]}}}',
  'DELETE /auth/roles/root',
  'DELETE /auth/roles/nope',
  'GET /auth/roles',
  // The switch.
  'PUT /auth/enable',
  'PUT /auth/users/root {"user":"root","password":"top"}',
  'GET /auth/users/root',
  'PUT /keys/r/a value=1',
  'PUT /keys/r/dir/b value=2',
  'PUT /keys/w value=3',
  'PUT /keys/open value=4',
  'PUT /auth/enable',
  'GET /auth/enable',
  'PUT /auth/enable',
  'root:wrong@PUT /auth/enable',
  'root:top@PUT /auth/enable',
  // Who may what.
  'GET /auth/users',
  'ada:other@GET /auth/users',
  'root:top@GET /auth/roles/guest',
  'GET /keys/open',
  'PUT /keys/open value=5',
  'GET /keys/?recursive=true',
  'root:top@PUT /auth/roles/guest {"role":"guest","revoke":{"kv":{"read":["/*"],"write":["/*"]}}}',
  'root:top@PUT /auth/roles/guest {"role":"guest","grant":{"kv":{"read":["/open"]}}}',
  'GET /keys/open',
  'GET /keys/open/',
  'PUT /keys/open value=6',
  'GET /keys/r/a',
  'GET /keys/r/a?wait=true&waitIndex=1',
  'nobody:x@GET /keys/open',
  'ada:wrong@GET /keys/r/a',
  'ada:other@GET /keys/r/a',
  'ada:other@GET /keys/r/dir?recursive=true',
  'ada:other@GET /keys/r?recursive=true',
  'ada:other@GET /keys/w',
  'ada:other@PUT /keys/w value=7',
  'ada:other@PUT /keys/w/x value=7',
  'ada:other@DELETE /keys/w?recursive=true',
  'ada:other@DELETE /keys/w',
  'ada:other@PUT /keys/r/a value=7',
  'ada:other@GET /keys/open',
  'root:top@GET /keys/w',
  'root:top@PUT /keys/w value=8',
  'root:top@GET /keys/?recursive=true&sorted=true',
  'GET /members/nope',
  'DELETE /members/abc',
  'ada:other@DELETE /members/abc',
  'root:top@DELETE /members/xyz',
  'GET /stats/leader',
  'root:top@DELETE /auth/users/root',
  'ada:other@DELETE /auth/users/bob',
  'root:top@DELETE /auth/users/bob',
  'root:top@DELETE /auth/roles/bare',
  'DELETE /auth/enable',
  'root:top@DELETE /auth/enable',
  'DELETE /auth/enable',
  'GET /auth/enable',
  'DELETE /auth/users/root',
];

describe.skipIf(!hasEtcd)('users and roles of v2, beside etcd', () => {
  let servers: V2Servers;
  beforeAll(async () => {
    servers = await startV2Servers(['--bcrypt-cost=4']);
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  it.each(requests.map((line, number) => [number, line] as const))('%i %s', async (_, line) => {
    const ask = async ({ url }: TestMember) => canonical(await send(url, parse(line)));
    const [ours, ...theirs] = await Promise.all([servers.kvorum, ...servers.etcds].map(ask));
    for (const other of theirs) expect(ours).toEqual(other);
  });
});
