import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Code, ConnectError } from '@connectrpc/connect';
import { Event_EventType, type WatchResponse } from '@kvorum/api';
import { ConfigError, type EmbeddedServer, type EmbedOptions, startServer } from '@kvorum/server';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { eventually, within } from '../framework/eventually.ts';
import { RunningProgram } from '../framework/process.ts';
import { WatchStream } from '../framework/watch-stream.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

/** A client of the server's first address; the test disposes of it. */
function clientOf(server: EmbeddedServer): TestClient {
  const [url = ''] = server.clientUrls;
  return new TestClient(url);
}

async function readValue(client: TestClient, key: string): Promise<string | undefined> {
  const { kvs } = await client.kv.range({ key: bytes(key) });
  return kvs[0] === undefined ? undefined : text(kvs[0].value);
}

/** An empty folder that goes with the scope it was made in. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'kvorum-embed-test-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

describe('an embedded server in memory', () => {
  it('listens on a port of its own on 127.0.0.1', async () => {
    await using server = await startServer({ engine: 'memory' });
    expect(server.clientUrls).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d{2,5}$/)]);
    expect(new URL(server.clientUrls[0] ?? '').port).not.toBe('0');
    using client = clientOf(server);
    const { members } = await client.cluster.memberList({});
    expect(members.map((member) => member.clientURLs)).toEqual([server.clientUrls]);
  });

  it('puts, reads, deletes and reads the past', async () => {
    await using server = await startServer({ engine: 'memory' });
    using client = clientOf(server);
    const put = await client.kv.put({ key: bytes('a'), value: bytes('1') });
    await client.kv.put({ key: bytes('a'), value: bytes('2') });
    const deleted = await client.kv.deleteRange({ key: bytes('a'), prevKv: true });
    expect(deleted.prevKvs.map((pair) => text(pair.value))).toEqual(['2']);
    expect(await readValue(client, 'a')).toBeUndefined();
    const past = await client.kv.range({
      key: bytes('a'),
      revision: put.header?.revision ?? 0n,
    });
    expect(past.kvs.map((pair) => text(pair.value))).toEqual(['1']);
    expect(past.header?.revision).toBe(4n);
  });

  it('decides transactions', async () => {
    await using server = await startServer({ engine: 'memory' });
    using client = clientOf(server);
    const createOnce = () =>
      client.kv.txn({
        compare: [
          { key: bytes('k'), targetUnion: { case: 'createRevision', value: 0n }, target: 1 },
        ],
        success: [
          { request: { case: 'requestPut', value: { key: bytes('k'), value: bytes('v') } } },
        ],
        failure: [{ request: { case: 'requestRange', value: { key: bytes('k') } } }],
      });
    expect((await createOnce()).succeeded).toBe(true);
    const second = await createOnce();
    expect(second.succeeded).toBe(false);
    const [response] = second.responses;
    if (response?.response.case !== 'responseRange') throw new Error('the other branch ran');
    expect(text(response.response.value.kvs[0]?.value)).toBe('v');
  });

  it('watches from the past on', async () => {
    await using server = await startServer({ engine: 'memory' });
    using client = clientOf(server);
    await client.kv.put({ key: bytes('w'), value: bytes('1') });
    const received: WatchResponse[] = [];
    const watch = new WatchStream(client, (response) => received.push(response));
    watch.send({ case: 'createRequest', value: { key: bytes('w'), startRevision: 1n } });
    await eventually('the watch', () => received.length > 0);
    await client.kv.put({ key: bytes('w'), value: bytes('2') });
    await client.kv.deleteRange({ key: bytes('w') });
    const events = () => received.flatMap((response) => response.events);
    await eventually('three events', () => events().length === 3);
    expect(events().map((event) => [event.type, text(event.kv?.value)])).toEqual([
      [Event_EventType.PUT, '1'],
      [Event_EventType.PUT, '2'],
      [Event_EventType.DELETE, ''],
    ]);
    await watch.close();
  });

  it('takes the keys of a revoked and of an expired lease away', async () => {
    await using server = await startServer({ engine: 'memory' });
    using client = clientOf(server);
    const lasting = await client.lease.leaseGrant({ TTL: 600n });
    const brief = await client.lease.leaseGrant({ TTL: 1n });
    await client.kv.put({ key: bytes('lasting'), value: bytes('x'), lease: lasting.ID });
    await client.kv.put({ key: bytes('brief'), value: bytes('x'), lease: brief.ID });
    const left = await client.lease.leaseTimeToLive({ ID: lasting.ID, keys: true });
    expect([left.grantedTTL, left.keys.map(text)]).toEqual([600n, ['lasting']]);
    await client.lease.leaseRevoke({ ID: lasting.ID });
    expect(await readValue(client, 'lasting')).toBeUndefined();
    await eventually('the expiry', async () => (await readValue(client, 'brief')) === undefined);
  });

  it('shares nothing with a second one beside it', async () => {
    await using first = await startServer({ engine: 'memory' });
    await using second = await startServer({ engine: 'memory' });
    using one = clientOf(first);
    using other = clientOf(second);
    await one.kv.put({ key: bytes('k'), value: bytes('first') });
    expect(await readValue(other, 'k')).toBeUndefined();
    await other.kv.put({ key: bytes('k'), value: bytes('second') });
    expect(await readValue(one, 'k')).toBe('first');
    await second.stop();
    expect(await readValue(one, 'k')).toBe('first');
  });

  it('forgets everything when it ends', async () => {
    const first = await startServer({ engine: 'memory' });
    using before = clientOf(first);
    await before.kv.put({ key: bytes('k'), value: bytes('v') });
    await first.stop();
    await using second = await startServer({ engine: 'memory' });
    using after = clientOf(second);
    expect(await readValue(after, 'k')).toBeUndefined();
  });
});

describe('the options of an embedded server', () => {
  it('keep data in a folder over a restart', async () => {
    await using folder = await temporaryFolder();
    const options: EmbedOptions = { dataDir: folder.path };
    const first = await startServer(options);
    using before = clientOf(first);
    const put = await before.kv.put({ key: bytes('k'), value: bytes('kept') });
    await first.stop();
    await using second = await startServer(options);
    using after = clientOf(second);
    const { header, kvs } = await after.kv.range({ key: bytes('k') });
    expect(kvs.map((pair) => text(pair.value))).toEqual(['kept']);
    expect(header?.revision).toBe(put.header?.revision);
    expect(header?.memberId).toBe(put.header?.memberId);
  });

  it('refuse a folder that another one uses, and leave that one be', async () => {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    await expect(startServer({ dataDir: folder.path })).rejects.toThrow(/locked by this process/);
    using client = clientOf(server);
    await client.kv.put({ key: bytes('k'), value: bytes('v') });
    expect(await readValue(client, 'k')).toBe('v');
  });

  it('refuse a port that is taken', async () => {
    await using server = await startServer({ engine: 'memory' });
    const port = Number(new URL(server.clientUrls[0] ?? '').port);
    await expect(startServer({ engine: 'memory', port })).rejects.toThrow(
      `cannot listen on http://127.0.0.1:${port}: the address is in use`,
    );
  });

  it('reach the server as flags', async () => {
    const flags = { 'max-txn-ops': '2' };
    await using server = await startServer({ engine: 'memory', flags });
    using client = clientOf(server);
    const put = (key: string) => ({
      request: { case: 'requestPut' as const, value: { key: bytes(key) } },
    });
    expect((await client.kv.txn({ success: [put('a'), put('b')] })).succeeded).toBe(true);
    const tooMany = client.kv.txn({ success: [put('a'), put('b'), put('c')] });
    await expect(tooMany).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'etcdserver: too many operations in txn request',
    });
  });

  it.each([
    [{ 'no-such-flag': 'x' }, 'flag provided but not defined: -no-such-flag'],
    [{ 'max-txn-ops': 'many' }, 'invalid value "many" for flag -max-txn-ops'],
    [{ 'election-timeout': '1' }, '--election-timeout'],
    [{ 'listen-client-urls': 'localhost' }, 'listen-client-urls'],
  ] as [Record<string, string>, string][])('refuse %j', async (flags, message) => {
    const start = startServer({ engine: 'memory', flags });
    const error: unknown = await start.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(message);
  });
});

describe('the end of an embedded server', () => {
  it('comes once, however often it is asked for', async () => {
    const server = await startServer({ engine: 'memory' });
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await server[Symbol.asyncDispose]();
    await expect(fetch(`${server.clientUrls[0]}/health`)).rejects.toThrow();
  });

  it('ends open watches with a status instead of waiting for them', async () => {
    const server = await startServer({ engine: 'memory' });
    using client = clientOf(server);
    const received: WatchResponse[] = [];
    const watch = new WatchStream(client, (response) => received.push(response));
    watch.send({ case: 'createRequest', value: { key: bytes('k') } });
    await eventually('the watch', () => received.length > 0);
    await within('the stop', server.stop(), 3000);
    expect(ConnectError.from(await watch.ended).code).toBe(Code.Unavailable);
  });

  it.each(['memory', 'rocksdb'])(
    'leaves no file and no reason for the process to stay (%s)',
    async (engine) => {
      await using folder = await temporaryFolder();
      const entry = pathToFileURL(join(import.meta.dirname, '../../packages/server/src/index.ts'));
      const script = `
        import { startServer } from ${JSON.stringify(entry.href)};
        const server = await startServer({ engine: ${JSON.stringify(engine)} });
        const page = await fetch(server.clientUrls[0] + '/version');
        console.log(await page.text());
        await server.stop();
        console.log('stopped');
      `;
      const conditions = '--conditions=kvorum-source';
      await using program = await RunningProgram.start(process.execPath, {
        args: [conditions, '--input-type=module', '--eval', script],
        env: { TMPDIR: folder.path },
      });
      await program.stdout.line(/^stopped$/, 30_000);
      expect(await within('the exit', program.exited)).toEqual({ code: 0, signal: null });
      expect(program.stdout.lines[0]).toContain('"etcdserver":"3.7.1"');
      expect(program.stderr.lines).toEqual([]);
      expect(await readdir(folder.path)).toEqual([]);
    },
  );
});
