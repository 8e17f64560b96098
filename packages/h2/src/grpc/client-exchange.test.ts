import { describe, expect, it } from 'vitest';
import { Flag, FrameType } from '../frames.ts';
import { nodeClock } from '../node-clock.ts';
import { ClientHarness } from '../testing/client-harness.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { CallError } from './call-status.ts';
import { GrpcClient } from './client.ts';
import { GrpcServer } from './server.ts';
import { Status } from './status.ts';
import type { GrpcService, HttpExchange } from './types.ts';

const noMethods: GrpcService = new Map();

/** A client of a server that serves exchanges with `serve`. */
function clientFor(serve: (exchange: HttpExchange) => void, methods = noMethods): GrpcClient {
  const server = new GrpcServer({ methods, clock: nodeClock, fallback: serve });
  const dial = async () => {
    const [near, far] = memoryDuplexPair();
    server.accept(near);
    return far;
  };
  return new GrpcClient({ dial, authority: 'test', clock: nodeClock, random: () => 0.5 });
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of body) text += Buffer.from(piece).toString();
  return text;
}

async function failureOf(call: Promise<unknown>): Promise<CallError> {
  const caught = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(CallError);
  return caught as CallError;
}

/** Lets everything happen that can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

const piece = new Uint8Array(64 * 1024);

describe('a request that is not gRPC', () => {
  it('brings back status, headers, body and trailers', async () => {
    const client = clientFor(async (exchange) => {
      const { method, path, headers } = exchange;
      const text = `${method} ${path} ${headers.get('x-a')} ${await textOf(exchange.body)}`;
      await exchange.respond(201, [['x-b', '2']], Buffer.from(text), () => [['x-c', '3']]);
    });
    const response = await client.exchange({
      method: 'PUT',
      path: '/a?b',
      headers: [['X-A', '1']],
      body: Buffer.from('hello'),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-b')).toBe('2');
    expect(await textOf(response.body)).toBe('PUT /a?b 1 hello');
    expect(response.trailers.get('x-c')).toBe('3');
    client.close();
  });

  it('may have no body, and get none', async () => {
    const client = clientFor((exchange) => void exchange.respond(204, []));
    const response = await client.exchange({ method: 'GET', path: '/' });
    expect(response.status).toBe(204);
    expect(await textOf(response.body)).toBe('');
    client.close();
  });

  it('is sent no faster than the server reads', async () => {
    const { promise: mayRead, resolve: read } = Promise.withResolvers<void>();
    const client = clientFor(async (exchange) => {
      await mayRead;
      await exchange.respond(200, [], Buffer.from(String((await textOf(exchange.body)).length)));
    });
    let made = 0;
    async function* body() {
      for (made = 0; made < 100; made++) yield piece;
    }
    const response = client.exchange({ method: 'POST', path: '/', body: body() });
    await settle();
    // The stream's window and what may wait in front of it.
    expect(made).toBeLessThan(30);
    read();
    expect(await textOf((await response).body)).toBe(String(100 * piece.length));
    client.close();
  });

  it('is answered no faster than the caller reads', async () => {
    let made = 0;
    async function* body() {
      for (made = 0; made < 100; made++) yield piece;
    }
    const client = clientFor((exchange) => void exchange.respond(200, [], body()));
    const response = await client.exchange({ method: 'GET', path: '/' });
    await settle();
    expect(made).toBeLessThan(30);
    expect((await textOf(response.body)).length).toBe(100 * piece.length);
    client.close();
  });

  it('is cancelled when its caller reads no further', async () => {
    const { promise: aborted, resolve: onAbort } = Promise.withResolvers<string>();
    async function* body() {
      for (;;) yield piece;
    }
    const client = clientFor((exchange) => {
      exchange.onAbort(onAbort);
      void exchange.respond(200, [], body());
    });
    const response = await client.exchange({ method: 'GET', path: '/' });
    for await (const _ of response.body) break;
    expect(await aborted).toBe('cancelled');
    client.close();
  });

  it('is cancelled by its signal, before the response and within it', async () => {
    const exchanges: HttpExchange[] = [];
    const client = clientFor((exchange) => {
      exchanges.push(exchange);
      if (exchange.path === '/begun') void exchange.respond(200, [], never());
    });
    async function* never(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('begun');
      await new Promise(() => {});
    }
    const first = new AbortController();
    const failure = failureOf(client.exchange({ method: 'GET', path: '/', signal: first.signal }));
    await settle();
    first.abort();
    expect((await failure).callStatus.status).toBe(Status.cancelled);
    const second = new AbortController();
    const { signal } = second;
    const response = await client.exchange({ method: 'GET', path: '/begun', signal });
    const reading = failureOf(textOf(response.body));
    await settle();
    second.abort();
    expect((await reading).callStatus.status).toBe(Status.cancelled);
    await settle();
    expect(exchanges.map(({ aborted }) => aborted)).toEqual([true, true]);
    client.close();
  });

  it('fails with what its body throws', async () => {
    const client = clientFor(() => {});
    async function* body() {
      yield piece;
      throw new RangeError('no more');
    }
    const failed = client.exchange({ method: 'POST', path: '/', body: body() });
    await expect(failed).rejects.toThrow(RangeError);
    client.close();
  });

  it('sends nothing more once the response is complete', async () => {
    const client = clientFor((exchange) => void exchange.respond(200, [], Buffer.from('enough')));
    let isReleased = false;
    async function* body() {
      try {
        for (;;) yield piece;
      } finally {
        isReleased = true;
      }
    }
    const response = await client.exchange({ method: 'POST', path: '/', body: body() });
    expect(await textOf(response.body)).toBe('enough');
    await settle();
    expect(isReleased).toBe(true);
    client.close();
  });

  it('fails when the connection is lost, before the response and within it', async () => {
    const client = clientFor((exchange) => {
      exchange.connection.stream.destroy();
    });
    const lost = await failureOf(client.exchange({ method: 'GET', path: '/' }));
    expect(lost.callStatus.status).toBe(Status.unavailable);
    client.close();
    const closed = await failureOf(client.exchange({ method: 'GET', path: '/' }));
    expect(closed.callStatus).toMatchObject({ status: Status.cancelled, isUnprocessed: true });
  });

  it('rejects headers that cannot be sent', async () => {
    const client = clientFor(() => {});
    const call = client.exchange({ method: 'GET', path: '/', headers: [['a', 'b\nc']] });
    await expect(call).rejects.toMatchObject({ code: 'protocol' });
    client.close();
  });
});

/** Answers of a server that does not know HTTP. */
const strange: readonly (readonly [string, (peer: FramePeer) => void])[] = [
  ['has no status', (peer) => peer.sendHeaders(1, [['a', 'b']], Flag.endStream)],
  [
    'has a body before its headers',
    (peer) => peer.send(FrameType.data, 0, 1, piece.subarray(0, 9)),
  ],
  [
    'ends with an interim status',
    (peer) => peer.sendHeaders(1, [[':status', '103']], Flag.endStream),
  ],
];

describe('a response that is malformed', () => {
  it.each(strange)('fails the request when it %s', async (_title, answer) => {
    const harness = new ClientHarness();
    const failed = failureOf(harness.client.exchange({ method: 'GET', path: '/' }));
    answer(await harness.serverOf(1));
    expect((await failed).callStatus.status).toBe(Status.internal);
    harness.client.close();
  });

  it('is none that begins with interim ones', async () => {
    const harness = new ClientHarness();
    const response = harness.client.exchange({ method: 'GET', path: '/' });
    const server = await harness.serverOf(1);
    server.sendHeaders(1, [[':status', '103']]);
    server.sendHeaders(1, [[':status', '200']], Flag.endStream);
    expect((await response).status).toBe(200);
    harness.client.close();
  });
});

describe('metadata of a gRPC call', () => {
  const methods: GrpcService = new Map([
    [
      '/test/Unary',
      {
        kind: 'unary',
        handle: (request, call) => {
          call.setHeaders([['X-Head', `${call.scheme}://${call.authority}`]]);
          call.setTrailers([
            ['x-tail', 'b'],
            ['grpc-status', '7'],
            ['content-type', 'text/plain'],
          ]);
          if (request.length > 0) call.reply(request);
          else call.fail(Status.notFound, 'nothing');
        },
      },
    ],
  ]);

  it('goes out with the headers and with the status', async () => {
    const client = clientFor(() => {}, methods);
    const told: (string | undefined)[] = [];
    await client.unary('/test/Unary', Buffer.from('a'), {
      onHead: (metadata) => told.push(metadata.get('x-head')),
      onEnd: ({ metadata }) => told.push(metadata.get('x-tail'), metadata.get('content-type')),
    });
    expect(told).toEqual(['http://test', 'b', undefined]);
    client.close();
  });

  it('goes out with an error that has no message before it', async () => {
    const client = clientFor(() => {}, methods);
    const { callStatus } = await failureOf(client.unary('/test/Unary', Buffer.alloc(0)));
    expect(callStatus.status).toBe(Status.notFound);
    expect(callStatus.metadata.getAll('grpc-status')).toEqual(['5']);
    expect(callStatus.metadata.get('x-head')).toBe('http://test');
    expect(callStatus.metadata.get('x-tail')).toBe('b');
    client.close();
  });
});
