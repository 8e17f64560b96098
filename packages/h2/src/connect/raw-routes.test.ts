import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, createConnectRouter } from '@connectrpc/connect';
import { createUniversalHandlerClient } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcClient } from '../grpc/client.ts';
import { GrpcServer } from '../grpc/server.ts';
import { Status } from '../grpc/status.ts';
import type { GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '../grpc/types.ts';
import { nodeClock } from '../node-clock.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { connectFallback } from './fallback.ts';
import { rawRoutes } from './raw-routes.ts';
import { WordSchema, Words } from './testing/gen/words_pb.ts';
import { createH2Transport, type H2TransportOptions } from './transport.ts';

const textIn = (bytes: Uint8Array) => fromBinary(WordSchema, bytes).text;
const word = (text: string) =>
  toBinary(WordSchema, { $typeName: 'kvorum.test.v1.Word', text, count: 0 });

/** Raw handlers of the test service, and what they saw. */
class RawWords {
  readonly events: string[] = [];
  stream: StreamCall | undefined = undefined;
  #seen: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly methods = new Map<string, GrpcMethod>([
    [
      '/kvorum.test.v1.Words/Say',
      { kind: 'unary', handle: (bytes, call) => this.#say(bytes, call) },
    ],
    ['/kvorum.test.v1.Words/Split', { kind: 'stream', open: (call) => this.#split(call) }],
    ['/kvorum.test.v1.Words/Join', { kind: 'stream', open: (call) => this.#join(call) }],
    ['/kvorum.test.v1.Words/Echo', { kind: 'stream', open: (call) => this.#echo(call) }],
  ]);

  /** Resolves when a handler that does not answer has been called. */
  get seen(): Promise<void> {
    return this.#seen.promise;
  }

  #say(bytes: Uint8Array, call: UnaryCall): void {
    const text = textIn(bytes);
    call.onAbort((reason) => this.events.push(reason));
    call.setHeaders([['x-head', call.metadata.get('x-token') ?? '']]);
    call.setTrailers([['x-tail', call.path]]);
    if (text === 'wait') this.#seen.resolve();
    else if (text === 'fail') call.fail(Status.notFound, 'no such word', statusWithDetail);
    else if (text === 'peer') call.reply(word(`${call.peer} ${call.connection?.activeStreams}`));
    else call.reply([word(text).subarray(0, 1), word(text).subarray(1)]);
  }

  #split(call: StreamCall): StreamReceiver {
    return this.#receiver((text) => {
      for (const letter of text) call.send(word(letter));
      if (text === 'fail') call.end(Status.notFound, 'no such word', statusWithDetail);
      else call.end();
    });
  }

  #join(call: StreamCall): StreamReceiver {
    let all = '';
    const receiver = this.#receiver((text) => {
      all += text;
    });
    return {
      ...receiver,
      onHalfClose: () => {
        if (all !== 'nothing') call.send(word(all));
        call.end();
      },
    };
  }

  #echo(call: StreamCall): StreamReceiver {
    this.stream = call;
    return {
      ...this.#receiver((text) => {
        if (text === 'wait') this.#seen.resolve();
        else if (text === 'pause') call.pause();
        else if (!call.send(word(text))) this.events.push('full');
      }),
      onHalfClose: () => call.end(),
    };
  }

  #receiver(onText: (text: string) => void): StreamReceiver {
    return {
      onMessage: (bytes) => {
        this.events.push(`read ${textIn(bytes).slice(0, 9)}`);
        onText(textIn(bytes));
      },
      onHalfClose: () => {},
      onDrain: () => this.events.push('drained'),
      onAbort: (reason) => this.events.push(reason),
    };
  }
}

/** A serialized google.rpc.Status: code 5, message 'x', and as its detail an Any with a Word. */
const statusWithDetail = statusBytes('type.googleapis.com/kvorum.test.v1.Word', word('d'));

function statusBytes(typeUrl: string, value: Uint8Array): Uint8Array {
  const any = [0x0a, typeUrl.length, ...Buffer.from(typeUrl), 0x12, value.length, ...value];
  return Uint8Array.from([0x08, 5, 0x12, 1, 0x78, 0x1a, any.length, ...any]);
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function start(protocol: H2TransportOptions['protocol'] = 'connect') {
  const raw = new RawWords();
  const router = createConnectRouter();
  rawRoutes([Words], raw.methods)(router);
  const server = new GrpcServer({
    methods: raw.methods,
    clock: nodeClock,
    fallback: connectFallback(router.handlers),
  });
  const dial = async () => {
    const [near, far] = memoryDuplexPair();
    server.accept(near, undefined, 'somebody');
    return far;
  };
  const client = new GrpcClient({ dial, authority: 'test', clock: nodeClock, random: () => 0.5 });
  closing.push(() => client.close());
  const transport = createH2Transport({ client, ...(protocol === undefined ? {} : { protocol }) });
  return { raw, router, calls: createClient(Words, transport) };
}

async function* words(...texts: string[]) {
  for (const text of texts) yield { text };
}

/** Waits to be answered, and says no more. */
async function* waiting() {
  yield { text: 'wait' };
  await new Promise(() => {});
}

async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const caught = await call.then(
    () => undefined,
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

/** Lets everything happen that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(['grpc', 'grpc-web', 'connect'] as const)('raw methods over %s', (protocol) => {
  it('serve calls of every kind', async () => {
    const { calls } = start(protocol);
    expect((await calls.say({ text: 'a' })).text).toBe('a');
    expect(await textsOf(calls.split({ text: 'abc' }))).toEqual(['a', 'b', 'c']);
    expect((await calls.join(words('a', 'b'))).text).toBe('ab');
    expect(await textsOf(calls.echo(words('a', 'b')))).toEqual(['a', 'b']);
  });

  it('fail with their status and its details', async () => {
    const { calls } = start(protocol);
    for (const call of [calls.say({ text: 'fail' }), textsOf(calls.split({ text: 'fail' }))]) {
      const error = await errorOf(call);
      expect(error.code).toBe(Code.NotFound);
      expect(error.details.length).toBe(1);
    }
  });

  it('get and send metadata', async () => {
    const { calls } = start(protocol);
    const told: (string | null)[] = [];
    await calls.say(
      { text: 'a' },
      {
        headers: { 'x-token': 'abc' },
        onHeader: (headers) => told.push(headers.get('x-head')),
        onTrailer: (trailers) => told.push(trailers.get('x-tail')),
      },
    );
    expect(told).toEqual(['abc', '/kvorum.test.v1.Words/Say']);
  });

  it('see their connection', async () => {
    const { calls } = start(protocol);
    expect((await calls.say({ text: 'peer' })).text).toBe('somebody 1');
  });

  it('are told of deadlines, and nothing after a good end', async () => {
    const { calls, raw } = start(protocol);
    await calls.say({ text: 'a' });
    const late = await errorOf(calls.say({ text: 'wait' }, { timeoutMs: 30 }));
    expect(late.code).toBe(Code.DeadlineExceeded);
    const later = await errorOf(textsOf(calls.echo(waiting(), { timeoutMs: 30 })));
    expect(later.code).toBe(Code.DeadlineExceeded);
    await settle();
    // The caller's own clock may have been first, and cancelled the call.
    const aborts = raw.events.filter((event) => !event.startsWith('read'));
    expect(aborts.map((event) => ['deadline', 'cancelled'].includes(event))).toEqual([true, true]);
  });

  it('are told of cancellation, once', async () => {
    const { calls, raw } = start(protocol);
    const abort = new AbortController();
    const error = errorOf(textsOf(calls.echo(waiting(), { signal: abort.signal })));
    await raw.seen;
    abort.abort();
    expect((await error).code).toBe(Code.Canceled);
    await settle();
    expect(raw.events).toEqual(['read wait', 'cancelled']);
  });

  it('may pause a caller', async () => {
    const { calls, raw } = start(protocol);
    const texts = textsOf(calls.echo(words('pause', 'a', 'b')));
    await settle();
    expect(raw.events).toEqual(['read pause']);
    raw.stream?.resume();
    expect(await texts).toEqual(['a', 'b']);
  });
});

describe('raw methods behind handlers of Connect', () => {
  it('are told when their caller reads slowly, and when it has caught up', async () => {
    const { calls, raw } = start();
    const text = 'x'.repeat(70_000);
    const replies = calls.echo(words(...Array(60).fill(text)))[Symbol.asyncIterator]();
    await replies.next();
    await settle();
    expect(raw.events).toContain('full');
    while ((await replies.next()).done !== true);
    expect(raw.events).toContain('drained');
  });

  it('must answer a call for one message with one', async () => {
    const { calls } = start();
    expect((await errorOf(calls.join(words('nothing')))).code).toBe(Code.Internal);
  });

  it('have no connection to show for calls that came another way', async () => {
    const { router } = start();
    const transport = createTransport({
      httpClient: createUniversalHandlerClient(router.handlers),
      baseUrl: 'https://other',
      useBinaryFormat: true,
      interceptors: [],
      acceptCompression: [],
      sendCompression: null,
      compressMinBytes: 1024,
      readMaxBytes: 1 << 20,
      writeMaxBytes: 1 << 20,
    });
    const calls = createClient(Words, transport);
    expect((await calls.say({ text: 'a' })).text).toBe('a');
    expect((await calls.say({ text: 'peer' })).text).toBe(' undefined');
  });
});
