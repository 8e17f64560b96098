import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { parseStep } from './key-requests.ts';
import { send } from './raw-request.ts';

const flags = ['--enable-v2'];
const WAITING = 1000;

async function watchersOf({ url }: TestMember): Promise<number> {
  const { body } = await send(url, { method: 'GET', target: '/v2/stats/store' });
  return JSON.parse(body).watchers;
}

/** Asks and resolves when the answer has begun. */
async function begin(
  { url }: TestMember,
  target: string,
): Promise<{ call: ClientRequest; response: IncomingMessage }> {
  const call = request(`${url}/v2/keys${target}`, { agent: false });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { call, response };
}

/** One for all tests that leave it as they found it. */
let member: TestMember;
beforeAll(async () => {
  member = await startKvorum({ flags });
});
afterAll(() => member[Symbol.asyncDispose]());

describe('clients that wait for a v2 key', () => {
  it('may be a thousand, and all hear of it', async () => {
    const open: IncomingMessage[] = [];
    for (let i = 0; i < WAITING; i += 100) {
      const some = Array.from({ length: 100 }, () => begin(member, '/key?wait=true'));
      for (const { response } of await Promise.all(some)) open.push(response);
    }
    expect(await watchersOf(member)).toBe(WAITING);
    expect(await member.metric('etcd_debugging_store_watchers')).toBe(WAITING);
    const heard = Promise.all(open.map((response) => text(response)));
    await send(member.url, parseStep('PUT /key value=now'));
    const events = new Set(await heard);
    expect(events.size).toBe(1);
    expect(JSON.parse([...events][0] ?? '').node).toMatchObject({ key: '/key', value: 'now' });
    expect(await watchersOf(member)).toBe(0);
    expect(await member.metric('etcd_debugging_store_writes_total{action="set"}')).toBeGreaterThan(
      0,
    );
  });

  it('are forgotten when they leave', async () => {
    const waits = ['/key?wait=true', '/?wait=true&recursive=true&stream=true'];
    const open = await Promise.all(waits.map((target) => begin(member, target)));
    expect(await watchersOf(member)).toBe(2);
    for (const { call } of open) call.destroy();
    await eventually('nobody waits', async () => (await watchersOf(member)) === 0);
  });

  it('hear over HTTP/2 as well, and are forgotten there', async () => {
    const session = connectHttp2(member.url);
    try {
      const [one, other] = [0, 1].map(() => session.request({ ':path': '/v2/keys/k?wait=true' }));
      if (one === undefined || other === undefined) throw new Error('two requests');
      const [headers] = await once(one, 'response');
      expect([headers[':status'], headers['content-type']]).toEqual([200, 'application/json']);
      await once(other, 'response');
      other.close();
      await eventually('one has left', async () => (await watchersOf(member)) === 1);
      const heard = text(one);
      await send(member.url, parseStep('PUT /k value=v'));
      expect(JSON.parse(await heard).node.value).toBe('v');
    } finally {
      session.destroy();
    }
  });

  it('are told the end when the member stops', async () => {
    await using ending = await startKvorum({ flags });
    const { response } = await begin(ending, '/key?wait=true');
    const heard = text(response);
    const status = await ending.stop();
    expect(await heard).toBe('');
    expect(status.code).toBe(0);
  });

  it('are let go when they take nothing of a stream', async () => {
    const { call, response } = await begin(member, '/?wait=true&recursive=true&stream=true');
    response.pause();
    const value = 'x'.repeat(200_000);
    await eventually('it is let go', async () => {
      await send(member.url, parseStep(`PUT /large value=${value}`));
      return (await watchersOf(member)) === 0;
    });
    call.destroy();
  });
});

describe('what is wrong with a request of v2', () => {
  it.each([
    ['a form that is too large', 'value=', 10 * 1024 * 1024, 400, 'http: POST too large'],
    [
      'a value that is too large',
      'value=',
      2 * 1024 * 1024,
      500,
      'etcdserver: request is too large',
    ],
  ] as const)('%s is refused, and the member goes on', async (_name, head, size, status, cause) => {
    const step = { method: 'PUT', target: '/v2/keys/large', body: head + 'x'.repeat(size) };
    const refused = await send(member.url, step);
    expect([refused.status, JSON.parse(refused.body).cause]).toEqual([status, cause]);
    expect((await send(member.url, parseStep('POST /small value=1'))).status).toBe(201);
  });

  it('a path of thousands of elements is refused, one of hundreds is not', async () => {
    const deep = (elements: number) => '/a'.repeat(elements);
    const refused = await send(member.url, parseStep(`PUT ${deep(4000)} value=1`));
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      400,
      {
        errorCode: 210,
        message: 'Invalid POST form',
        cause: 'a key has at most 500 elements',
        index: 0,
      },
    ]);
    expect((await send(member.url, parseStep(`PUT ${deep(500)} value=1`))).status).toBe(201);
    const all = await send(member.url, parseStep('GET /?recursive=true'));
    expect(all.body).toContain(`"key":"${deep(500)}","value":"1"`);
    expect((await send(member.url, parseStep('DELETE /a?recursive=true'))).status).toBe(200);
  });

  it('a body that never comes to its end holds up nobody', async () => {
    const call = request(`${member.url}/v2/keys/slow`, {
      method: 'PUT',
      agent: false,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '100' },
    });
    call.write('value=');
    call.on('error', () => {});
    expect((await send(member.url, parseStep('PUT /other value=1'))).status).toBe(201);
    call.destroy();
    expect((await send(member.url, parseStep('GET /slow'))).status).toBe(404);
  });

  it('what would grow a full database is refused, what keeps or frees is not', async () => {
    const quota = ['--enable-v2', '--quota-backend-bytes=1'];
    await using full = await startKvorum({ flags: quota });
    const refused = await send(full.url, parseStep('PUT /a value=1'));
    expect([refused.status, JSON.parse(refused.body).cause]).toEqual([
      500,
      'etcdserver: mvcc: database space exceeded',
    ]);
    for (const line of ['PUT /a refresh=true&ttl=5', 'DELETE /a']) {
      expect((await send(full.url, parseStep(line))).status).toBe(404);
    }
  });

  it('without --enable-v2 there is nothing', async () => {
    await using plain = await startKvorum();
    for (const target of ['/v2/keys/a', '/v2/members', '/v2/machines', '/v2/stats/self']) {
      const { status, body } = await send(plain.url, { method: 'GET', target });
      expect([status, body]).toEqual([404, '404 page not found\n']);
    }
  });
});
