import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, within } from '../framework/eventually.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { readMetrics } from '../framework/metric.ts';
import { b64 } from './step.ts';
import { overHttp1, overHttp2, type Wire, wires } from './wire.ts';

// Streams both ways, slow and rude clients. Whatever they do, others are served, and nothing of them is left.

const create = (key: string, more: object = {}) =>
  JSON.stringify({ create_request: { key: b64(key), ...more } });
const created = /"created":true/;

async function ask(member: TestMember, path: string, body: unknown): Promise<Response> {
  return fetch(`${member.url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
}

async function put(member: TestMember, key: string, value: string): Promise<void> {
  expect((await ask(member, 'kv/put', { key: b64(key), value: b64(value) })).status).toBe(200);
}

/** What a member has open for its clients. */
async function openOf(member: TestMember): Promise<object> {
  const watchers = ['etcd_debugging_mvcc_watch_stream_total', 'etcd_debugging_mvcc_watcher_total'];
  const counts = await readMetrics(member.url, watchers);
  return { counts, calls: await callsUnderWay(member), sockets: socketsOf(member) };
}

async function callsUnderWay(member: TestMember): Promise<number> {
  const text = await (await fetch(`${member.url}/metrics`)).text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  return sum('grpc_server_started_total') - sum('grpc_server_handled_total');
}

/** Sockets of the process, where the system tells; the one this is asked on may or may not be among them. */
function socketsOf(member: TestMember): number {
  const folder = `/proc/${member.process.pid}/fd`;
  try {
    const links = readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
    return links.filter((link) => link.startsWith('socket:')).length;
  } catch {
    return 0;
  }
}

describe('streams', () => {
  let member: TestMember;
  beforeAll(async () => {
    member = await startKvorum();
  });
  afterAll(() => member[Symbol.asyncDispose]());

  it.each(Object.entries(wires))('over %s end when the member stops', async (_name, open) => {
    await using stopping = await startKvorum();
    using wire = await open(stopping.url, '/v3/watch');
    wire.say(create('a'));
    await wire.hears(created);
    await stopping.stop();
    await wire.ended;
    expect(wire.heard).toMatch(
      /\{"error":\{"code":14,"message":"etcdserver: server stopped"\}\}\n/,
    );
  });

  it('a snapshot is a file in pieces, with its SHA-256 at the end', async () => {
    const text = await (await ask(member, 'maintenance/snapshot', {})).text();
    const pieces = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).result as { blob: string; remaining_bytes?: string });
    const bytes = Buffer.concat(pieces.map(({ blob }) => Buffer.from(blob, 'base64')));
    const file = bytes.subarray(0, -32);
    expect(bytes.subarray(-32)).toEqual(createHash('sha256').update(file).digest());
    const [first] = pieces;
    const size = Number(first?.remaining_bytes) + Buffer.from(first?.blob ?? '', 'base64').length;
    expect([file.length, pieces.at(-1)?.remaining_bytes]).toEqual([size, undefined]);
  });

  describe.each(Object.entries(wires))('over %s', (name, open) => {
    const big = `big-${name}`;

    it('a watch is answered while its request goes on', async () => {
      using wire = await open(member.url, '/v3/watch');
      wire.say(create('a').slice(0, 20));
      wire.say(create('a').slice(20));
      await wire.hears(created);
      await put(member, 'a', '1');
      await wire.hears(/"events":\[\{"kv":\{"key":"YQ=="/);
      wire.say(`${create('b', { watch_id: 7 })}\n`);
      await wire.hears(/"watch_id":"7","created":true/);
      wire.say('{"cancel_request":{"watch_id":"0"}}');
      await wire.hears(/"canceled":true/);
      wire.say('{"progress_request":{}}');
      await wire.hears(/"watch_id":"-1"/);
      wire.finish();
      await put(member, 'b', '2');
      await wire.hears(/"watch_id":"7","events":\[\{"kv":\{"key":"Yg=="/);
    });

    it('leases are renewed for as long as somebody asks', async () => {
      await ask(member, 'lease/grant', { ID: 5, TTL: 60 });
      using wire = await open(member.url, '/v3/lease/keepalive');
      for (let count = 1; count <= 3; count++) {
        wire.say('{"ID":"5"}');
        await wire.hears(/"TTL":"60"/, count);
      }
      wire.finish();
      await wire.ended;
    });

    it('a watch that nobody reads delays nobody, and has all of its events in the end', async () => {
      using wire = await open(member.url, '/v3/watch');
      wire.say(create(big));
      await wire.hears(created);
      wire.deafen();
      const value = b64('v'.repeat(1_000_000));
      for (let i = 0; i < 12; i++) await ask(member, 'kv/put', { key: b64(big), value });
      await put(member, 'a', 'undisturbed');
      using reader = await open(member.url, '/v3/watch');
      reader.say(create(big, { start_revision: 2 }));
      await reader.hears(/"version":"12"/);
    });
  });
});

describe.each(['h2', 'node-http2'])('with %s as the transport', (transport) => {
  it('nothing is left of those who leave', async () => {
    await using member = await startKvorum({ flags: [`--kvorum-transport=${transport}`] });
    await ask(member, 'lease/grant', { ID: 5, TTL: 600 });
    await ask(member, 'lock/lock', { name: b64('held'), lease: 5 });
    using bystander = await overHttp1(member.url, '/v3/watch');
    bystander.say(create('bystander'));
    await bystander.hears(created);
    // The connections of fetch are there before and after.
    const before = await eventually('a moment of quiet', () => openOf(member));

    await Promise.all(Object.values(visits).map((visit) => visit(member)));
    await put(member, 'bystander', 'undisturbed');
    await bystander.hears(new RegExp(b64('undisturbed')));

    await eventually(
      'nothing is left open',
      async () => {
        const now = await openOf(member);
        return JSON.stringify(now) === JSON.stringify(before);
      },
      30_000,
    ).catch(async (error: unknown) => {
      expect(await openOf(member)).toEqual(before);
      throw error;
    });
    // Who waited for the lock waits no longer.
    const held = { key: b64('held/'), range_end: b64('held0'), count_only: true };
    await eventually('one holder, and nobody else', async () => {
      const { count } = (await (await ask(member, 'kv/range', held)).json()) as { count: string };
      return count === '1';
    });
  });
});

/** Begins a request, says something, waits for an answer if there is one, and hangs up. */
function visit(path: string, text: string, answer?: RegExp, count = 1) {
  return async (member: TestMember) => {
    for (const open of [overHttp1, overHttp2]) {
      using wire: Wire = await open(member.url, path);
      wire.say(text);
      if (answer !== undefined) await wire.hears(answer, count);
      wire.hangUp();
    }
  };
}

/** Bodies that come a byte at a time are taken; they end the request as any other. */
async function slow(member: TestMember): Promise<void> {
  for (const open of [overHttp1, overHttp2]) {
    using wire = await open(member.url, '/v3/kv/put');
    for (const char of `{"key":"${b64('slow')}","value":"YQ=="}`) {
      wire.say(char);
      await new Promise((resolve) => setImmediate(resolve));
    }
    wire.finish();
    await wire.hears(/"raft_term"/);
  }
}

/** A body without an end is refused, and its client let go. */
async function endless(member: TestMember): Promise<void> {
  for (const open of [overHttp1, overHttp2]) {
    using wire = await open(member.url, '/v3/kv/put');
    const pieces = setInterval(() => wire.say('a'.repeat(100_000)), 1);
    wire.say('{"key":"');
    try {
      await wire.hears(/"code":8,"message":"the body of the request is larger than 4194304 bytes"/);
      await within('the end of the connection', wire.ended);
    } finally {
      clearInterval(pieces);
    }
  }
}

/** A reader that stops in the middle of large events. */
async function deaf(member: TestMember): Promise<void> {
  for (const open of [overHttp1, overHttp2]) {
    using wire = await open(member.url, '/v3/watch');
    wire.say(create('large'));
    await wire.hears(created);
    wire.deafen();
    const value = b64('v'.repeat(500_000));
    for (let i = 0; i < 5; i++) await ask(member, 'kv/put', { key: b64('large'), value });
    wire.hangUp();
  }
}

const visits: Readonly<Record<string, (member: TestMember) => Promise<void>>> = {
  'half a put': visit('/v3/kv/put', '{"key":'),
  'half a watch': visit('/v3/watch', '{"create_request":'),
  'a watch': visit('/v3/watch', create('a'), created),
  'many watches': visit('/v3/watch', create('a').repeat(200), created, 200),
  'a watch that is none': visit('/v3/watch', '{"create_request":7}', /unexpected token 7/),
  'a watch and then nonsense': visit('/v3/watch', `${create('a')}nonsense`, created),
  'a renewal': visit('/v3/lease/keepalive', '{"ID":"5"}', /"TTL"/),
  'a snapshot': visit('/v3/maintenance/snapshot', '{}', /"blob"/),
  'a lock that is held by somebody else': visit('/v3/lock/lock', `{"name":"${b64('held')}"}`),
  'an election': visit('/v3/election/observe', `{"name":"${b64('none')}"}`),
  'an unknown path': visit('/v3/nothing', '{}', /Not Found/),
  'brackets without end': visit('/v3/kv/put', '['.repeat(20_000), /exceeded max depth/),
  slow,
  endless,
  deaf,
};
