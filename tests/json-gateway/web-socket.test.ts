import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, within } from '../framework/eventually.ts';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { askAll, curl } from './curl.ts';
import { b64 } from './step.ts';

// What a web page can do: a WebSocket to any path of the gateway, requests in, lines of the answer out.

const real = realEtcd('3.5');

/** A conversation, and all that was heard. */
class Conversation implements Disposable {
  readonly heard: string[] = [];
  readonly #socket: WebSocket;
  #isOpen = false;
  #hasEnded = false;

  constructor(url: string, path: string, protocols: string[] = []) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/v3/${path}`, protocols);
    this.#socket.addEventListener('open', () => {
      this.#isOpen = true;
    });
    this.#socket.addEventListener('message', ({ data }) => this.heard.push(String(data)));
    this.#socket.addEventListener('close', () => {
      this.#hasEnded = true;
    });
    this.#socket.addEventListener('error', () => {});
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  async say(value: unknown): Promise<void> {
    await eventually('the connection', () => this.#isOpen);
    this.#socket.send(JSON.stringify(value));
  }

  async hears(count: number): Promise<void> {
    await eventually(`${count} messages`, () => this.heard.length >= count);
  }

  ended(): Promise<boolean> {
    return eventually('the end of the conversation', () => this.#hasEnded);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

async function put(member: TestMember, key: string, token = ''): Promise<void> {
  const body = JSON.stringify({ key: b64(key), value: b64('1') });
  const headers = { authorization: token };
  const response = await fetch(`${member.url}/v3/kv/put`, { method: 'POST', body, headers });
  expect(response.status).toBe(200);
}

const create = (key: string) => ({ create_request: { key: b64(key) } });

/** What a page sees that watches, renews a lease, and has a token. */
async function story(member: TestMember): Promise<{ heard: unknown; token: string }> {
  using watch = new Conversation(member.url, 'watch');
  await watch.say(create('a'));
  await watch.hears(1);
  await watch.say(create('b'));
  await watch.hears(2);
  await put(member, 'b');
  await watch.hears(3);

  const ask = async (path: string, body: object) => {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(`${member.url}/v3/${path}`, init)).json() as Promise<{ token?: string }>;
  };
  await ask('lease/grant', { ID: 5, TTL: 60 });
  using renewal = new Conversation(member.url, 'lease/keepalive');
  for (const [i, ID] of [5, 5, 77].entries()) {
    await renewal.say({ ID });
    await renewal.hears(i + 1);
  }

  await ask('auth/user/add', { name: 'root', password: 'x' });
  await ask('auth/user/grant', { user: 'root', role: 'root' });
  await ask('auth/enable', {});
  const { token = '' } = await ask('auth/authenticate', { name: 'root', password: 'x' });
  using stranger = new Conversation(member.url, 'watch');
  await stranger.say(create('a'));
  await stranger.hears(1);
  return { heard: [watch.heard, renewal.heard, stranger.heard], token };
}

describe.skipIf(real === undefined)('WebSockets', () => {
  it('are answered as by etcd', async () => {
    if (real === undefined) return;
    await using etcd = await startEtcd(real);
    await using kvorum = await startKvorum();
    const [theirs, ours] = await Promise.all([story(etcd), story(kvorum)]);
    expect(ours.heard).toEqual(theirs.heard);
    // etcd 3.5 takes the word in front for a part of the token.
    using known = new Conversation(kvorum.url, 'watch', ['Bearer', ours.token]);
    await known.say(create('a'));
    await known.hears(1);
    expect(known.heard[0]).not.toContain('canceled');
  });
});

describe('at Kvorum, WebSockets', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await startKvorum({ flags: ['--cors=http://a.example:80'] });
  });
  afterAll(() => member[Symbol.asyncDispose]());

  it('are answered for calls of one message too, and closed then', async () => {
    using conversation = new Conversation(member.url, 'kv/range');
    await conversation.say({ key: '!' });
    await conversation.ended();
    expect(conversation.heard).toEqual([
      '{"code":3,"message":"proto: (line 1:8): invalid value for bytes field key: \\"!\\""}',
    ]);
  });

  it('leave nothing when their pages are gone', async () => {
    const watchers = () => member.metric('etcd_debugging_mvcc_watcher_total');
    const before = await watchers();
    for (let i = 0; i < 5; i++) {
      using conversation = new Conversation(member.url, 'watch');
      await conversation.say(create('a'));
      await conversation.hears(1);
    }
    await eventually('no watchers', async () => (await watchers()) === before);
  });

  it('of a token behind `Bearer` bear it, and agree to that', async () => {
    using conversation = new Conversation(member.url, 'watch', ['Bearer', 'some.token']);
    await conversation.say(create('a'));
    await conversation.hears(1);
    expect(conversation.protocol).toBe('Bearer');
  });

  it.each([
    ['http://a.example:80', 101],
    ['http://b.example', 403],
  ])('of pages from %s get %d', async (origin, status) => {
    const upgrade = request(`${member.url}/v3/watch`, {
      headers: {
        origin,
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      },
    });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      upgrade.once('upgrade', (response, socket) => {
        socket.destroy();
        resolve(response.statusCode);
      });
      upgrade.once('response', (response) => resolve(response.statusCode));
      upgrade.once('error', reject);
    });
    upgrade.end();
    expect(await within('an answer', answered)).toBe(status);
    upgrade.destroy();
  });

  it.skipIf(curl === undefined)('are no reason to refuse who asks for HTTP/2', async () => {
    const body = JSON.stringify({ key: b64('none') });
    const question = { path: '/v3/kv/range', body, options: ['http2'] };
    const [answer] = await askAll(member.url, [question]);
    expect([answer?.status, answer?.body]).toEqual([200, expect.stringContaining('raft_term')]);
  });
});
