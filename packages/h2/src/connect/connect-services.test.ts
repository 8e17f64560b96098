import { gunzipSync } from 'node:zlib';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  createClient,
  type HandlerContext,
} from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { CallError } from '../grpc/call-status.ts';
import { GrpcClient } from '../grpc/client.ts';
import type { ClientRequest } from '../grpc/client-types.ts';
import { GrpcServer } from '../grpc/server.ts';
import { Status } from '../grpc/status.ts';
import { nodeClock } from '../node-clock.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { callKey } from './call-context.ts';
import { connectServices } from './connect-services.ts';
import { gzipCompression } from './gzip.ts';
import { Words } from './testing/gen/words_pb.ts';
import {
  type Dialect,
  oursWithOurs,
  type Pairing,
  type PairingOptions,
} from './testing/pairings.ts';
import { WordsService, wait } from './testing/words.ts';
import { createH2Transport } from './transport.ts';

const grpc: Dialect = { protocol: 'grpc', useBinaryFormat: true };
const connect: Dialect = { protocol: 'connect', useBinaryFormat: true };
const grpcWeb: Dialect = { protocol: 'grpc-web', useBinaryFormat: true };
const protocols: readonly (readonly [string, Dialect])[] = [
  ['gRPC', grpc],
  ['gRPC-Web', grpcWeb],
  ['Connect', connect],
];

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A client of a server with these routes, in memory. */
function serve(
  routes: (router: ConnectRouter) => void,
  options?: ConnectRouterOptions,
): GrpcClient {
  const server = new GrpcServer({ clock: nodeClock, ...connectServices(routes, options) });
  const dial = async () => {
    const [near, far] = memoryDuplexPair();
    server.accept(near, undefined, 'somebody');
    return far;
  };
  const client = new GrpcClient({ dial, authority: 'test', clock: nodeClock, random: () => 0.5 });
  closing.push(() => client.close());
  return client;
}

async function start(dialect: Dialect, options?: PairingOptions) {
  const pairing: Pairing = await oursWithOurs(dialect, options);
  closing.push(() => void pairing.close());
  return { ...pairing, client: createClient(Words, pairing.transport) };
}

async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  const caught = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return caught === undefined ? undefined : ConnectError.from(caught).code;
}

/** Lets everything happen that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function bodyOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

const say = '/kvorum.test.v1.Words/Say';
const long = 'long '.repeat(1000);

function post(path: string, type: string, body: string, extra: readonly [string, string][] = []) {
  const headers = [['content-type', type] as const, ...extra];
  return { method: 'POST', path, headers, body: Buffer.from(body) } satisfies ClientRequest;
}

describe('plain HTTP', () => {
  const client = () => serve(new WordsService().routes);

  it('gets an answer to a method without side effects', async () => {
    const message = encodeURIComponent('{"text":"hi"}');
    const path = `${say}?connect=v1&encoding=json&message=${message}`;
    const response = await client().exchange({ method: 'GET', path });
    expect(response.status).toBe(200);
    expect((await bodyOf(response.body)).toString()).toBe('{"text":"hi"}');
  });

  it.each([
    ['an unknown path', post('/no.Such/Method', 'application/json', '{}'), 404],
    ['another method', { method: 'DELETE', path: say }, 405],
    ['HEAD', { method: 'HEAD', path: say }, 405],
    ['GET of a method with side effects', { method: 'GET', path: say.replace('Say', 'Join') }, 405],
    ['a type that nobody knows', post(say, 'text/plain', 'hi'), 415],
    ['a message that is none', post(say, 'application/json', '{'), 400],
    [
      'a compression that nobody knows',
      post(say, 'application/json', '{}', [['content-encoding', 'x']]),
      501,
    ],
    ['a path that is no path', { method: 'OPTIONS', path: '*' }, 404],
  ])('answers %s', async (_title, request, status) => {
    const response = await client().exchange(request);
    expect(response.status).toBe(status);
    await bodyOf(response.body);
  });

  it('gets answers compressed as it asks', async () => {
    const request = post(say, 'application/json', JSON.stringify({ text: long }), [
      ['accept-encoding', 'br, gzip'],
    ]);
    const { headers, body } = await client().exchange(request);
    expect(headers.get('content-encoding')).toBe('gzip');
    expect(JSON.parse(gunzipSync(await bodyOf(body)).toString())).toEqual({ text: long });
  });
});

describe('compressed requests', () => {
  it.each(protocols)('are understood over %s', async (_name, dialect) => {
    const { client } = await start(dialect, { client: { sendCompression: gzipCompression } });
    expect((await client.say({ text: long })).text).toBe(long);
  });

  it('do not grow beyond the limit', async () => {
    const options = {
      server: { readMaxBytes: 2000 },
      client: { sendCompression: gzipCompression },
    };
    for (const [, dialect] of protocols) {
      const { client } = await start(dialect, options);
      expect(await codeOf(client.say({ text: long }))).toBe(Code.ResourceExhausted);
    }
  });

  it('fail when they are broken', async () => {
    const client = serve(new WordsService().routes);
    const request = post(say, 'application/json', '{}', [['content-encoding', 'gzip']]);
    expect((await client.exchange(request)).status).toBe(500);
  });
});

describe.each(protocols)('options of the router, over %s', (_name, dialect) => {
  it('hold messages to their limits', async () => {
    const { client } = await start(dialect, { server: { readMaxBytes: 100, writeMaxBytes: 200 } });
    expect(await codeOf(client.say({ text: 'x'.repeat(101) }))).toBe(Code.ResourceExhausted);
    expect(await codeOf(client.say({ text: 'x'.repeat(90), count: 3 }))).toBe(
      Code.ResourceExhausted,
    );
  });

  it('refuse time-outs that are too long', async () => {
    const { client } = await start(dialect, { server: { maxTimeoutMs: 1000 } });
    expect(await codeOf(client.say({ text: 'a' }, { timeoutMs: 2000 }))).toBe(Code.InvalidArgument);
    expect(await codeOf(client.say({ text: 'a' }, { timeoutMs: 900 }))).toBeUndefined();
  });

  it('let a gate refuse calls', async () => {
    const requestGate = () => {
      throw new ConnectError('who are you?', Code.Unauthenticated);
    };
    const { client } = await start(dialect, { server: { requestGate } });
    expect(await codeOf(client.say({ text: 'a' }))).toBe(Code.Unauthenticated);
    const replies = client.split({ text: 'a' })[Symbol.asyncIterator]();
    expect(await codeOf(replies.next())).toBe(Code.Unauthenticated);
  });

  it('tell handlers of a shutdown', async () => {
    const shutdown = new AbortController();
    const { client, service } = await start(dialect, {
      server: { shutdownSignal: shutdown.signal },
    });
    const code = codeOf(client.say({ text: wait }));
    await service.begun;
    shutdown.abort(new ConnectError('closing time', Code.Unavailable));
    expect(await code).toBe(Code.Unavailable);
  });
});

describe.each(protocols)('the context of a handler, over %s', (name, { protocol }) => {
  async function contextOf(): Promise<HandlerContext> {
    const { promise, resolve } = Promise.withResolvers<HandlerContext>();
    const client = serve((router) => {
      router.service(Words, {
        say: (word, context) => {
          resolve({ ...context });
          return word;
        },
      });
    });
    await createClient(Words, createH2Transport({ client, protocol })).say({}, { timeoutMs: 5000 });
    return await promise;
  }

  it('says what is called, by whom and until when', async () => {
    const context = await contextOf();
    expect(context.method.name).toBe('Say');
    expect(context.service.typeName).toBe('kvorum.test.v1.Words');
    expect(context.protocolName).toBe(name.toLowerCase());
    expect(context.url).toBe(`http://test${say}`);
    expect(context.timeoutMs()).toBeGreaterThan(0);
    expect(context.values.get(callKey)?.peer).toBe('somebody');
    expect(context.signal.aborted).toBe(true);
  });
});

describe('protocols that are switched off', () => {
  it('are not served', async () => {
    const { routes } = new WordsService();
    const overGrpc = serve(routes, { connect: false, grpcWeb: false });
    const refused = await overGrpc.exchange(post(say, 'application/json', '{}'));
    expect(refused.status).toBe(415);
    expect((await overGrpc.unary(say, new Uint8Array())).length).toBe(0);
    const noGrpc = serve(routes, { grpc: false });
    const error = await noGrpc.unary(say, new Uint8Array()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CallError);
    expect((error as CallError).callStatus.status).toBe(Status.unimplemented);
  });
});

describe('methods that nobody implements', () => {
  it.each(protocols)('are answered as unimplemented over %s', async (_name, { protocol }) => {
    const client = serve((router) => router.service(Words, {}));
    const calls = createClient(Words, createH2Transport({ client, protocol }));
    expect(await codeOf(calls.say({}))).toBe(Code.Unimplemented);
    expect(await codeOf(calls.split({})[Symbol.asyncIterator]().next())).toBe(Code.Unimplemented);
  });
});

describe.each(protocols)('back-pressure over %s', (_name, dialect) => {
  const text = 'x'.repeat(10_000);

  it('holds a handler back until its caller reads', async () => {
    const { client, service } = await start(dialect);
    const replies = client.split({ text, count: 1000 })[Symbol.asyncIterator]();
    await replies.next();
    await settle();
    // What windows and queues hold: 1.3 MiB and some.
    expect(service.splits).toBeLessThan(250);
    let read = 1;
    while ((await replies.next()).done !== true) read += 1;
    expect(read).toBe(1000);
  });

  it('holds a caller back until the handler reads', async () => {
    const { client, service } = await start(dialect);
    let made = 0;
    async function* requests() {
      yield { text: wait };
      for (made = 0; made < 1000; made++) yield { text };
    }
    const abort = new AbortController();
    const code = codeOf(client.join(requests(), { signal: abort.signal }));
    await service.begun;
    await settle();
    expect(made).toBeLessThan(250);
    abort.abort();
    expect(await code).toBe(Code.Canceled);
  });

  it('lets a caller through that has much to say', async () => {
    const { client } = await start(dialect);
    async function* requests() {
      for (let i = 0; i < 150; i++) yield { text };
    }
    expect((await client.join(requests())).text.length).toBe(150 * text.length);
  });
});

describe('a client', () => {
  it('uses GET where it may', async () => {
    const methods: string[] = [];
    const { client } = await start(connect, {
      server: {
        interceptors: [
          (next) => (request) => {
            methods.push(request.requestMethod);
            return next(request);
          },
        ],
      },
      client: { useHttpGet: true },
    });
    expect((await client.say({ text: 'a' })).text).toBe('a');
    expect(methods).toEqual(['GET']);
  });

  it('has a time-out for calls without one', async () => {
    const { client } = await start(grpc, { client: { defaultTimeoutMs: 20 } });
    expect(await codeOf(client.say({ text: wait }))).toBe(Code.DeadlineExceeded);
  });

  it.each(protocols)(
    'says unavailable when there is no server, over %s',
    async (_name, dialect) => {
      const dial = () => Promise.reject(new Error('nobody there'));
      const client = new GrpcClient({ dial, authority: 'test', clock: nodeClock, random: () => 0 });
      closing.push(() => client.close());
      const calls = createClient(Words, createH2Transport({ client, ...dialect }));
      expect(await codeOf(calls.say({}))).toBe(Code.Unavailable);
      expect(await codeOf(calls.split({})[Symbol.asyncIterator]().next())).toBe(Code.Unavailable);
    },
  );

  it('refuses messages beyond its limits', async () => {
    const { client } = await start(grpc, { client: { readMaxBytes: 100, writeMaxBytes: 200 } });
    expect(await codeOf(client.say({ text: 'x'.repeat(99) }))).toBe(Code.ResourceExhausted);
    expect(await codeOf(client.say({ text: 'x'.repeat(200) }))).toBe(Code.ResourceExhausted);
  });
});
