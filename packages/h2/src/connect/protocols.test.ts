import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { WordSchema, Words } from './testing/gen/words_pb.ts';
import {
  connectNodeWithOurs,
  type Dialect,
  type MakePairing,
  oursWithConnectNode,
  oursWithOurs,
  type Pairing,
  type PairingOptions,
} from './testing/pairings.ts';
import { breakDown, fail, tagging, wait } from './testing/words.ts';

/*
 * The same service, and the same client code, through every protocol and with each end once in the hands of
 * connect-node, the reference.
 */

const pairings: readonly (readonly [string, MakePairing])[] = [
  ['ours with ours', oursWithOurs],
  ['our server with connect-node', oursWithConnectNode],
  ["connect-node's server with our client", connectNodeWithOurs],
];

const dialects: readonly (readonly [string, Dialect])[] = [
  ['gRPC', { protocol: 'grpc', useBinaryFormat: true }],
  ['gRPC with JSON', { protocol: 'grpc', useBinaryFormat: false }],
  ['gRPC-Web', { protocol: 'grpc-web', useBinaryFormat: true }],
  ['gRPC-Web with JSON', { protocol: 'grpc-web', useBinaryFormat: false }],
  ['Connect', { protocol: 'connect', useBinaryFormat: true }],
  ['Connect with JSON', { protocol: 'connect', useBinaryFormat: false }],
];

const open: Pairing[] = [];
afterEach(async () => {
  for (const pairing of open.splice(0)) await pairing.close();
});

async function* words(...texts: string[]) {
  for (const text of texts) yield { text };
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const caught = await call.then(
    () => 'no error',
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(ConnectError);
  return caught as ConnectError;
}

async function textsOf(replies: AsyncIterable<{ text: string }>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of replies) texts.push(text);
  return texts;
}

const table = pairings.flatMap(([who, make]) =>
  dialects.map(([name, dialect]) => ({ title: `${name}, ${who}`, make, dialect })),
);

describe.each(table)('$title', ({ make, dialect }) => {
  async function start(options?: PairingOptions) {
    const pairing = await make(dialect, options);
    open.push(pairing);
    return { ...pairing, client: createClient(Words, pairing.transport) };
  }

  it('answers a unary call', async () => {
    const { client } = await start();
    const { text } = await client.say({ text: 'hé', count: 2 });
    expect(text).toBe('héhé');
  });

  it('streams answers', async () => {
    const { client } = await start();
    expect(await textsOf(client.split({ text: 'a', count: 3 }))).toEqual(['a', 'a', 'a']);
  });

  it('streams nothing at all', async () => {
    const { client } = await start();
    expect(await textsOf(client.split({ text: 'a', count: 0 }))).toEqual([]);
  });

  it('takes a stream of requests', async () => {
    const { client } = await start();
    const { text } = await client.join(words('a', 'b', 'c'));
    expect(text).toBe('abc');
  });

  it('streams both ways at once', async () => {
    const { client } = await start();
    const turns: string[] = [];
    const { promise: answered, resolve: onAnswer } = Promise.withResolvers<void>();
    async function* asking() {
      yield { text: 'first' };
      await answered;
      yield { text: 'second' };
    }
    for await (const { text } of client.echo(asking())) {
      turns.push(text);
      onAnswer();
    }
    expect(turns).toEqual(['first', 'second']);
  });

  it.each(['unary', 'stream'])(
    'tells code, text, details and metadata of a %s call',
    async (kind) => {
      const { client } = await start();
      const error = await errorOf(
        kind === 'unary' ? client.say({ text: fail }) : textsOf(client.echo(words('a', fail))),
      );
      expect(error.code).toBe(Code.NotFound);
      expect(error.rawMessage).toBe('no such wörd');
      expect(error.findDetails(WordSchema).map(({ text }) => text)).toEqual(['this one']);
      expect(error.metadata.get('x-why')).toBe('test');
    },
  );

  it('keeps to itself what broke in a handler, and goes on', async () => {
    const { client } = await start();
    const errors = [
      await errorOf(client.say({ text: breakDown })),
      await errorOf(textsOf(client.split({ text: breakDown }))),
      await errorOf(client.join(words(breakDown))),
    ];
    for (const error of errors) {
      expect(error.code).toBe(Code.Internal);
      expect(error.message).not.toContain('secret');
    }
    expect((await client.say({ text: 'still here' })).text).toBe('still here');
  });

  it('ends calls at their deadline, at both ends', async () => {
    const { client, service } = await start();
    const error = await errorOf(client.say({ text: wait }, { timeoutMs: 50 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await service.aborted;
    const late = await errorOf(textsOf(client.echo(words(wait), { timeoutMs: 50 })));
    expect(late.code).toBe(Code.DeadlineExceeded);
  });

  it.each(['unary', 'stream'])('cancels a %s call at both ends', async (kind) => {
    const { client, service } = await start();
    const { signal, abort } = abortable();
    const call =
      kind === 'unary'
        ? client.say({ text: wait }, { signal })
        : textsOf(client.echo(words('a', wait), { signal }));
    const error = errorOf(call);
    await service.begun;
    abort();
    expect((await error).code).toBe(Code.Canceled);
    await service.aborted;
  });

  it.each(['unary', 'stream'])('carries metadata both ways on a %s call', async (kind) => {
    const { client } = await start();
    let head = new Headers();
    let tail = new Headers();
    const options = {
      headers: { 'X-Token': 'abc', 'data-bin': 'AAH/' },
      onHeader: (headers: Headers) => {
        head = headers;
      },
      onTrailer: (trailers: Headers) => {
        tail = trailers;
      },
    };
    if (kind === 'unary') await client.say({ text: 'a' }, options);
    else await textsOf(client.echo(words('a'), options));
    expect(head.get('x-head')).toBe('abc');
    expect(tail.get('x-tail')).toBe('abc');
    expect(tail.get('data-bin')).toBe('AAH/');
  });

  it('carries messages of a megabyte and two', async () => {
    const { client } = await start();
    const text = 'x'.repeat(900_000);
    expect((await client.say({ text })).text).toBe(text);
    expect((await client.join(words(text, text))).text.length).toBe(2 * text.length);
  });

  it('runs interceptors of the client', async () => {
    const { client } = await start({ interceptors: [tagging] });
    let head = new Headers();
    const onHeader = (headers: Headers) => {
      head = headers;
    };
    await client.say({ text: 'a' }, { onHeader });
    expect(head.get('x-head')).toBe('tagged');
    await textsOf(client.echo(words('a'), { onHeader }));
    expect(head.get('x-head')).toBe('tagged');
  });

  it('runs interceptors of the server', async () => {
    const { client } = await start({ server: { interceptors: [tagging] } });
    let tail = new Headers();
    const onTrailer = (trailers: Headers) => {
      tail = trailers;
    };
    await client.say({ text: 'a' }, { onTrailer });
    expect(tail.get('x-tail')).toBe('tagged');
    await textsOf(client.echo(words('a'), { onTrailer }));
    expect(tail.get('x-tail')).toBe('tagged');
  });

  it('passes on what the requests threw', async () => {
    const { client } = await start();
    async function* broken() {
      yield { text: 'a' };
      throw new Error('out of words');
    }
    const error = await errorOf(client.join(broken()));
    expect(error.message).toContain('out of words');
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
