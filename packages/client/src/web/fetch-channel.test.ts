import { Maintenance } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { CallFailure, type Channel, type ChannelReceiver } from '../channel.ts';
import { parseEndpoint } from '../endpoints/endpoint.ts';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { grpcWeb, MemoryWeb } from '../testing/memory-web.ts';
import { FetchChannel, type FetchOptions } from './fetch-channel.ts';

const probe = '/grpc.health.v1.Health/Check';
const put = '/etcdserverpb.KV/Put';
const range = '/etcdserverpb.KV/Range';
const snapshot = `/${Maintenance.typeName}/Snapshot`;
const request = Uint8Array.of(1);
const plain = { metadata: [], timeoutMs: undefined, signal: undefined };

function channelTo(web: MemoryWeb, text = 'a:1', options: FetchOptions = {}) {
  // Time of a cluster in memory that nobody asks anything.
  const clock = new MemoryCluster();
  const { timers } = clock.environment;
  const channel = new FetchChannel(parseEndpoint(text), { fetch: web.fetch, ...options }, timers);
  return { channel, clock };
}

async function failureOf(call: Promise<unknown>): Promise<CallFailure> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure instanceof CallFailure) return failure;
  throw new Error('it ended otherwise', { cause: failure });
}

/** All that a stream tells. */
function read(channel: Channel, path: string, messages: readonly Uint8Array[] = [request]) {
  const received: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<CallFailure | undefined>();
  const receiver: ChannelReceiver = { onMessage: (one) => received.push(one), onEnd: resolve };
  const stream = channel.stream(path, receiver, plain);
  for (const message of messages) stream.send(message);
  return { received, ended: promise, stream };
}

describe('a call over fetch', () => {
  it('asks for a sign of life first, and only once', async () => {
    const web = new MemoryWeb();
    const { channel } = channelTo(web);
    expect(channel.state).toBe('idle');
    await Promise.all([1, 2].map(() => channel.unary(put, request, plain)));
    await channel.unary(put, request, plain);
    expect(web.paths).toEqual([probe, put, put, put]);
    expect(channel.state).toBe('ready');
  });

  it('certainly was not acted on when there was none', async () => {
    const web = new MemoryWeb();
    web.answers.set(probe, 'nobody');
    const { channel } = channelTo(web, 'http://down.example:1');
    const failure = await failureOf(channel.unary(put, request, plain));
    expect(failure).toMatchObject({ isUnprocessed: true, connect: { reason: 'connect' } });
    expect(failure.message).toMatch(/^http:\/\/down\.example:1 cannot be reached .*--cors/);
    expect([channel.state, web.paths]).toEqual(['failing', [probe]]);
  });

  it('goes to a server that is there again', async () => {
    const web = new MemoryWeb();
    web.answers.set(probe, 'nobody');
    const { channel } = channelTo(web);
    await failureOf(channel.unary(put, request, plain));
    web.answers.delete(probe);
    await channel.unary(put, request, plain);
    expect(channel.state).toBe('ready');
  });

  it('may have been acted on when it was lost itself', async () => {
    const web = new MemoryWeb();
    web.answers.set(put, 'nobody');
    const { channel } = channelTo(web);
    const failure = await failureOf(channel.unary(put, request, plain));
    expect(failure).toMatchObject({ isUnprocessed: false, connect: { reason: 'connect' } });
    expect(channel.state).toBe('failing');
  });

  it('bears metadata, the time it may take, and the bytes of its request', async () => {
    const web = new MemoryWeb();
    const { channel } = channelTo(web);
    const options = { ...plain, metadata: [['token', 't']] as const, timeoutMs: 1500 };
    await channel.unary(put, request, options);
    const headers = web.requests.at(-1)?.headers;
    expect(headers?.get('token')).toBe('t');
    expect(headers?.get('grpc-timeout')).toBe('1500m');
    expect(headers?.get('content-type')).toBe('application/grpc-web+proto');
  });

  it.each([
    [new Response(null, { headers: { 'grpc-status': '5', 'grpc-message': 'x%20y' } }), 5, 'x y'],
    [grpcWeb([request], '9'), 9, ''],
    [grpcWeb([request]), 14, 'the answer broke off'],
    [grpcWeb([], '0'), 13, 'the answer holds no message'],
    [new Response('go away', { status: 421 }), 2, /HTTP 421 with text\/plain.*: go away$/],
    [new Response('<html>', { status: 503 }), 14, /HTTP 503/],
    [new Response('<html>', { headers: { 'content-type': 'text/html' } }), 2, /text\/html: <html>/],
  ])('ends as the answer says', async (answer, status, text) => {
    const web = new MemoryWeb();
    web.answers.set(range, answer);
    const failure = await failureOf(channelTo(web).channel.unary(range, request, plain));
    expect(failure.status).toBe(status);
    expect(failure.message).toMatch(text);
  });

  it('ends when its time is over, and the next one asks for a sign of life again', async () => {
    const web = new MemoryWeb();
    web.answers.set(range, 'silence');
    const { channel, clock } = channelTo(web);
    await channel.unary(put, request, plain);
    const call = failureOf(channel.unary(range, request, { ...plain, timeoutMs: 100 }));
    expect((await clock.settle(call)).status).toBe(4);
    expect(channel.state).toBe('idle');
  });

  it('waits no longer for a sign of life than it may take', async () => {
    const web = new MemoryWeb();
    web.answers.set(probe, 'silence');
    const { channel, clock } = channelTo(web);
    const late = failureOf(channel.unary(put, request, plain));
    expect(await clock.settle(late)).toMatchObject({
      isUnprocessed: true,
      message: 'no sign of life within 5000 ms',
    });
    const patient = failureOf(channel.unary(put, request, { ...plain, timeoutMs: 10 }));
    expect((await clock.settle(patient)).status).toBe(4);
    expect(web.paths).toEqual([probe, probe]);
  });

  it('ends when its signal fires, or has fired', async () => {
    const web = new MemoryWeb();
    web.answers.set(range, 'silence');
    const { channel } = channelTo(web);
    const abort = new AbortController();
    const call = failureOf(channel.unary(range, request, { ...plain, signal: abort.signal }));
    abort.abort();
    expect((await call).status).toBe(1);
    const options = { ...plain, signal: AbortSignal.abort() };
    expect((await failureOf(channel.unary(put, request, options))).status).toBe(1);
    expect(web.paths).not.toContain(put);
  });

  it('ends when the channel is closed', async () => {
    const web = new MemoryWeb();
    web.answers.set(range, 'silence');
    const { channel } = channelTo(web);
    const call = failureOf(channel.unary(range, request, plain));
    const { ended, stream } = read(channel, snapshot);
    stream.halfClose();
    channel.close();
    expect((await call).status).toBe(1);
    expect((await ended)?.status).toBe(1);
  });
});

describe('a stream over fetch', () => {
  it('begins once its request is complete, and tells what comes', async () => {
    const web = new MemoryWeb();
    web.answers.set(snapshot, { messages: [request, Uint8Array.of(2)], status: '0' });
    const { received, ended, stream } = read(channelTo(web).channel, snapshot);
    expect(web.paths).toEqual([]);
    stream.halfClose();
    expect(await ended).toBeUndefined();
    expect(received).toEqual([request, Uint8Array.of(2)]);
  });

  it('makes a request for each turn when every message asks for an answer', async () => {
    const web = new MemoryWeb();
    const keepAlive = '/etcdserverpb.Lease/LeaseKeepAlive';
    web.answers.set(keepAlive, { messages: [request], status: '0' });
    const { received, ended, stream } = read(channelTo(web).channel, keepAlive, [request, request]);
    await new Promise((resolve) => setImmediate(resolve));
    stream.send(request);
    stream.halfClose();
    expect(await ended).toBeUndefined();
    expect(received).toHaveLength(2);
    expect(web.paths.filter((path) => path === keepAlive)).toHaveLength(2);
  });

  it('ends once, also without a request', async () => {
    const { ended, stream } = read(channelTo(new MemoryWeb()).channel, snapshot);
    stream.cancel();
    stream.cancel();
    expect((await ended)?.status).toBe(1);
  });
});

describe('an endpoint of a browser', () => {
  it.each([
    ['a:1', {}, 'http://a:1/x'],
    ['a:1', { secure: true }, 'https://a:1/x'],
    [':1', {}, 'http://localhost:1/x'],
    ['https://a/etcd/', {}, 'https://a/etcd/x'],
  ])('%s with %j makes %s', async (text, options, url) => {
    const urls: string[] = [];
    const answer = (asked: string) => {
      urls.push(asked);
      return Promise.resolve(grpcWeb([request], '0'));
    };
    const { channel } = channelTo(new MemoryWeb(), text, { ...options, fetch: answer });
    await channel.unary('/x', request, plain);
    expect(urls.at(-1)).toBe(url);
  });

  it('is no unix socket', () => {
    expect(() => channelTo(new MemoryWeb(), 'unix:///x')).toThrow(/of no use in a browser/);
  });
});

describe('a client over fetch', () => {
  it('sends a write to the next server when the first is not there, but not when it was lost', async () => {
    const webs = { a: new MemoryWeb(), b: new MemoryWeb() };
    const { environment } = new MemoryCluster();
    const client = new RpcClient(
      { endpoints: ['a:1', 'b:1'] },
      {
        ...environment,
        channelFactory: (endpoint) => {
          const { fetch } = endpoint.text === 'a:1' ? webs.a : webs.b;
          return new FetchChannel(endpoint, { fetch }, environment.timers);
        },
      },
    );
    webs.a.answers.set(probe, 'nobody');
    await client.kv.put({ key: request });
    expect([webs.a.paths, webs.b.paths]).toEqual([[probe], [probe, put]]);
    webs.b.answers.set(put, 'nobody');
    webs.a.answers.delete(probe);
    webs.a.answers.set(put, 'nobody');
    await expect(client.kv.put({ key: request })).rejects.toMatchObject({
      code: 'unreachable',
      mayHaveApplied: true,
    });
  });
});
