import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { defaultLimits } from '../limits.ts';
import { settingsPayload } from '../settings.ts';
import type { RawFrame } from '../testing/frame-peer.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';
import type { GrpcMethod, HttpExchange, ServerStats, StreamCall, UnaryCall } from './types.ts';

/** Lets what is under way arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function statusOf(harness: ServerHarness, streamId: number): Promise<string | undefined> {
  const frame = await harness.end(streamId);
  return frame && harness.peer.decode(frame).get('grpc-status');
}

function startCall(harness: ServerHarness, streamId: number, method: string, timeout = ''): void {
  const fields = callFields(method);
  if (timeout !== '') fields.push(['grpc-timeout', timeout]);
  harness.peer.sendHeaders(streamId, fields);
  harness.peer.send(FrameType.data, Flag.endStream, streamId, framed('x'));
}

describe('a deadline', () => {
  it('ends a call on time, and tells its handler', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never', '250m');
    await harness.peer.roundTrip(1);
    expect(harness.echo.pending[0]?.timeoutMs).toBe(250);
    harness.clock.advance(249);
    expect(harness.echo.abortReasons).toEqual([]);
    harness.clock.advance(2);
    expect(harness.echo.abortReasons).toEqual(['deadline']);
    const frame = await harness.end(1);
    const fields = frame && harness.peer.decode(frame);
    expect(fields?.get('grpc-status')).toBe('4');
    expect(fields?.get('grpc-message')).toBe('context deadline exceeded');
    harness.echo.pending[0]?.reply(Buffer.alloc(1));
    expect(await harness.canCall(3)).toBe(true);
  });

  it('ends a stream that has sent something with trailers', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    harness.peer.sendHeaders(1, [...callFields('Stream'), ['grpc-timeout', '1S']]);
    harness.peer.send(FrameType.data, 0, 1, framed('x'));
    await harness.peer.roundTrip(1);
    harness.clock.advance(1100);
    const [head] = harness.peer.frames.filter(({ type }) => type === FrameType.headers);
    expect(head && harness.peer.decode(head).get(':status')).toBe('200');
    expect(await statusOf(harness, 1)).toBe('4');
    expect(await harness.reset(1)).toBe(ErrorCode.noError);
    expect(harness.echo.abortReasons).toEqual(['deadline']);
  });

  it('of zero is over at once', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never', '0n');
    await harness.peer.roundTrip(1);
    harness.clock.advance(17);
    expect(await statusOf(harness, 1)).toBe('4');
  });

  it('costs no timer once all calls have ended', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    for (let id = 1; id < 50; id += 2) startCall(harness, id, 'Unary', '10S');
    await harness.end(49);
    harness.clock.advance(10_002);
    // What is left looks after the connection.
    expect(harness.clock.timerCount).toBe(1);
  });
});

describe('a handler', () => {
  it('learns once that its call was cancelled, also when it asks late', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never');
    await harness.peer.roundTrip(1);
    harness.peer.send(FrameType.rstStream, 0, 1, Buffer.from([0, 0, 0, 8]));
    await harness.peer.roundTrip(2);
    expect(harness.echo.abortReasons).toEqual(['cancelled']);
    const reasons: string[] = [];
    harness.echo.pending[0]?.onAbort((reason) => reasons.push(reason));
    expect(reasons).toEqual(['cancelled']);
    expect(harness.echo.pending[0]?.aborted).toBe(true);
  });

  it('learns that the connection was lost', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never');
    harness.peer.sendHeaders(3, callFields('Stream'));
    await harness.peer.roundTrip(1);
    harness.peer.hangUp();
    await settle();
    expect(harness.echo.abortReasons).toEqual(['connection', 'connection']);
    expect(harness.errors.map((error) => error.code)).toEqual(['transport']);
    expect(harness.server.connectionCount).toBe(0);
  });

  it('that throws ends its connection, and the error goes on', () => {
    const bug = new Error('bug');
    const method: GrpcMethod = {
      kind: 'unary',
      handle: () => {
        throw bug;
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Unary', method]]) });
    const written: Uint8Array[] = [];
    harness.peer.write = (bytes) => void written.push(bytes);
    harness.peer.greet();
    startCall(harness, 1, 'Unary');
    expect(() => harness.connection.stream.emit('data', Buffer.concat(written))).toThrow(bug);
    expect(harness.connection.activeStreams).toBe(0);
    expect(harness.errors.map((error) => error.cause)).toEqual([bug]);
  });

  it('may not answer twice', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never');
    await harness.peer.roundTrip(1);
    const call = harness.echo.pending[0] as UnaryCall;
    call.reply(Buffer.alloc(1));
    expect(() => call.fail(13, 'again')).toThrow('answered once');
  });

  it('may end a stream before it has begun', async () => {
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        call.end(7, 'not you');
        return { onMessage: () => {}, onHalfClose: () => {}, onAbort: () => {} };
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    expect(await statusOf(harness, 1)).toBe('7');
  });

  it('may close the connection before a stream has begun', async () => {
    const reasons: string[] = [];
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        call.connection?.close();
        return {
          onMessage: () => {},
          onHalfClose: () => {},
          onAbort: (reason) => reasons.push(reason),
        };
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    await harness.peer.ended();
    expect(reasons).toEqual(['connection']);
  });

  it('gets nothing but the messages that came before it ended a stream', async () => {
    const received: string[] = [];
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call: StreamCall) => ({
        onMessage: (message) => {
          received.push(Buffer.from(message).toString());
          if (received.length === 2) call.end();
        },
        onHalfClose: () => received.push('half-close'),
        onAbort: () => received.push('abort'),
      }),
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    const messages = Buffer.concat(['a', 'b', 'c'].map((text) => framed(text)));
    harness.peer.send(FrameType.data, Flag.endStream, 1, messages);
    await harness.end(1);
    expect(received).toEqual(['a', 'b']);
  });
});

describe('draining', () => {
  it('lets calls finish, takes those that were under way, and then closes', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet();
    startCall(harness, 1, 'Never');
    await peer.roundTrip(1);
    const drained = harness.server.drain();
    const first = await peer.find(({ type }) => type === FrameType.goaway);
    expect(first?.payload.readUInt32BE(0)).toBe(0x7fff_ffff);
    expect(first?.payload.readUInt32BE(4)).toBe(ErrorCode.noError);
    // Sent before the client could know.
    expect(await harness.canCall(3)).toBe(true);
    const ping = await peer.find(({ type, flags }) => type === FrameType.ping && flags === 0);
    peer.send(FrameType.ping, Flag.ack, 0, ping?.payload);
    const last = await peer.find(
      ({ type, payload }) => type === FrameType.goaway && payload.readUInt32BE(0) === 3,
    );
    expect(last).toBeDefined();
    // Too late: ignored, with everything that belongs to it.
    startCall(harness, 5, 'Unary');
    await settle();
    expect(harness.connection.activeStreams).toBe(1);
    harness.echo.pending[0]?.reply(Buffer.from('done'));
    await harness.end(1);
    await peer.ended();
    peer.hangUp();
    await drained;
    expect(peer.frames.some(({ streamId }) => streamId === 5)).toBe(false);
    expect(harness.errors).toEqual([]);
    expect(harness.clock.timerCount).toBe(0);
  });

  it('does not wait for ever for a client that does not answer', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    await harness.peer.roundTrip(1);
    const drained = harness.server.drain();
    for (let i = 0; i < 6; i++) harness.clock.advance(1000);
    await drained;
    expect(harness.server.connectionCount).toBe(0);
  });

  it('refuses what is accepted afterwards', async () => {
    const harness = new ServerHarness();
    await Promise.all([harness.server.drain(), harness.peer.hangUp()]);
    const [near] = memoryDuplexPair();
    harness.server.accept(near);
    expect(near.destroyed).toBe(true);
  });

  it('closing at once aborts what runs', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    startCall(harness, 1, 'Never');
    await harness.peer.roundTrip(1);
    harness.server.close();
    expect(harness.echo.abortReasons).toEqual(['connection']);
    await harness.peer.ended();
    expect(harness.peer.frames.at(-1)?.type).toBe(FrameType.goaway);
    expect(harness.errors).toEqual([]);
  });
});

describe('the first bytes', () => {
  it('may have been read before the connection is accepted', async () => {
    const harness = new ServerHarness();
    const [near, far] = memoryDuplexPair();
    const chunks: Buffer[] = [];
    far.on('data', (chunk: Buffer) => chunks.push(chunk));
    harness.server.accept(near, Buffer.from('PRI * HTTP/2.0\r\n'), 'a friend');
    far.write(Buffer.from('\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'));
    await settle();
    const received = Buffer.concat(chunks);
    expect(received.includes(Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]))).toBe(true);
  });
});

describe('counting', () => {
  it('sees every call begin and end, with its status', async () => {
    const log: string[] = [];
    let received = 0;
    let sent = 0;
    const stats: ServerStats = {
      connectionOpened: () => log.push('opened'),
      connectionClosed: () => log.push('closed'),
      bytesReceived: (bytes) => {
        received += bytes;
      },
      bytesSent: (bytes) => {
        sent += bytes;
      },
      callStarted: (path) => log.push(`start ${path}`),
      callFinished: (path, status, ms) => log.push(`end ${path} ${status} ${ms}`),
      messageReceived: (path, bytes) => log.push(`in ${path} ${bytes}`),
      messageSent: (path, bytes) => log.push(`out ${path} ${bytes}`),
    };
    const harness = new ServerHarness({ stats });
    harness.peer.greet();
    startCall(harness, 1, 'Unary');
    await harness.end(1);
    startCall(harness, 3, 'Never');
    await harness.peer.roundTrip(1);
    harness.clock.advance(5);
    harness.peer.hangUp();
    await settle();
    expect(log).toEqual([
      'opened',
      'start /test.Echo/Unary',
      'in /test.Echo/Unary 1',
      'out /test.Echo/Unary 1',
      'end /test.Echo/Unary 0 0',
      'start /test.Echo/Never',
      'in /test.Echo/Never 1',
      'end /test.Echo/Never 14 5',
      'closed',
    ]);
    expect(received).toBeGreaterThan(100);
    expect(sent).toBeGreaterThan(100);
  });
});

describe('a request that is not gRPC', () => {
  const fields: [string, string][] = [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', '/v3/kv/put?x=1'],
    [':authority', 'example.org'],
    ['content-type', 'application/json'],
  ];

  function fallbackHarness(serve: (exchange: HttpExchange) => void): ServerHarness {
    const harness = new ServerHarness({ fallback: serve });
    harness.peer.greet();
    return harness;
  }

  it('goes to the fallback, with its body and back', async () => {
    const harness = fallbackHarness(async (exchange) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of exchange.body) pieces.push(piece);
      const { method, path, scheme, authority } = exchange;
      const text = `${method} ${scheme}://${authority}${path} ${Buffer.concat(pieces)}`;
      await exchange.respond(201, [['content-type', 'text/plain']], Buffer.from(text));
    });
    harness.peer.sendHeaders(1, fields);
    harness.peer.send(FrameType.data, 0, 1, Buffer.from('a '));
    harness.peer.send(FrameType.data, Flag.endStream, 1, Buffer.from('body'));
    await harness.end(1);
    const [head, ...rest] = harness.peer.frames.filter(({ streamId }) => streamId === 1);
    expect(head && harness.peer.decode(head).get(':status')).toBe('201');
    expect(Buffer.concat(rest.map(({ payload }) => payload)).toString()).toBe(
      'POST https://example.org/v3/kv/put?x=1 a body',
    );
  });

  it('may be answered with pieces, and trailers after them', async () => {
    let trailer = 'too early';
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 50; i++) yield Buffer.alloc(10_000, i);
      trailer = 'after the body';
    }
    const harness = fallbackHarness((exchange) => {
      void exchange.respond(200, [], body(), () => [['x-trailer', trailer]]);
    });
    harness.peer.sendHeaders(1, fields, Flag.endStream);
    harness.peer.send(FrameType.windowUpdate, 0, 0, Buffer.from([0, 0x10, 0, 0]));
    harness.peer.send(FrameType.windowUpdate, 0, 1, Buffer.from([0, 0x10, 0, 0]));
    await harness.end(1);
    const [head, ...rest] = harness.peer.frames.filter(({ streamId }) => streamId === 1);
    expect(head && harness.peer.decode(head).get(':status')).toBe('200');
    const last = rest.pop();
    expect(last && harness.peer.decode(last).get('x-trailer')).toBe('after the body');
    expect(rest.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(500_000);
  });

  it('is reset when its response fails halfway', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      throw new Error('no more');
    }
    const errors: unknown[] = [];
    const harness = fallbackHarness((exchange) => {
      exchange.respond(200, [], body()).catch((error: unknown) => errors.push(error));
    });
    harness.peer.sendHeaders(1, fields, Flag.endStream);
    expect(await harness.reset(1)).toBe(ErrorCode.internalError);
    expect(errors).toEqual([new Error('no more')]);
  });

  it('has its body held back until it is read, and learns of an abort', async () => {
    let exchange: HttpExchange | undefined;
    const reasons: string[] = [];
    const harness = fallbackHarness((received) => {
      exchange = received;
      received.onAbort((reason) => reasons.push(reason));
    });
    harness.peer.sendHeaders(1, fields);
    harness.peer.send(FrameType.data, 0, 1, Buffer.alloc(16_000));
    await harness.peer.roundTrip(1);
    const iterator = exchange?.body[Symbol.asyncIterator]();
    expect((await iterator?.next())?.value.length).toBe(16_000);
    const next = iterator?.next();
    harness.peer.send(FrameType.rstStream, 0, 1, Buffer.from([0, 0, 0, 8]));
    await expect(next).rejects.toMatchObject({ code: 'aborted' });
    expect(reasons).toEqual(['cancelled']);
    await exchange?.respond(200, []);
    expect(await harness.canCall(3)).toBe(true);
  });

  it('is asked for its body when it waits for that, once somebody reads', async () => {
    const expecting: [string, string][] = [...fields, ['expect', '100-continue']];
    const harness = fallbackHarness(async (exchange) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of exchange.body) pieces.push(piece);
      await exchange.respond(200, [], Buffer.concat(pieces));
    });
    harness.peer.sendHeaders(1, expecting);
    const isHeaders = ({ type }: RawFrame): boolean => type === FrameType.headers;
    const first = await harness.peer.find(isHeaders);
    expect([...(first ? harness.peer.decode(first) : [])]).toEqual([[':status', '100']]);
    harness.peer.send(FrameType.data, Flag.endStream, 1, Buffer.from('here'));
    await harness.end(1);
    const body = harness.peer.frames.find(({ type }) => type === FrameType.data);
    expect(body?.payload.toString()).toBe('here');
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('is answered without a body: %s, %i', async (method, status) => {
    const harness = fallbackHarness((exchange) => {
      void exchange.respond(status, [['x', 'y']], Buffer.from('no place for me'), () => []);
    });
    const [, ...others] = fields;
    harness.peer.sendHeaders(1, [[':method', method], ...others], Flag.endStream);
    const end = await harness.end(1);
    expect(end?.type).toBe(FrameType.headers);
    expect(end && harness.peer.decode(end).get(':status')).toBe(String(status));
    expect(harness.peer.frames.some(({ type }) => type === FrameType.data)).toBe(false);
  });

  it('may go on for a while after its answer, and is then told that nobody listens', async () => {
    const harness = fallbackHarness((exchange) => {
      void exchange.respond(403, [], Buffer.from('no'));
    });
    const { peer, clock } = harness;
    for (const streamId of [1, 3, 5]) {
      peer.sendHeaders(streamId, fields);
      await harness.end(streamId);
    }
    const resets = (): [number, number][] =>
      peer.frames
        .filter(({ type }) => type === FrameType.rstStream)
        .map(({ streamId, payload }) => [streamId, payload.readUInt32BE(0)]);
    // The first ends by itself, the second never does, the third falls silent.
    const piece = Buffer.alloc(16_000);
    peer.send(FrameType.data, 0, 1, piece);
    peer.send(FrameType.data, Flag.endStream, 1, piece);
    await settle();
    expect(resets()).toEqual([]);
    for (let sent = 0; sent < defaultLimits.streamWindowBytes; sent += piece.length) {
      peer.send(FrameType.data, 0, 3, piece);
    }
    await harness.reset(3);
    expect(resets()).toEqual([[3, ErrorCode.noError]]);
    clock.advance(defaultLimits.closeTimeoutMs + 1000);
    await settle();
    expect(resets().slice(1)).toEqual([[5, ErrorCode.noError]]);
    expect(harness.connection.activeStreams).toBe(0);
    expect(await harness.canCall(7)).toBe(true);
    // Nor is it blamed for going, once it has all it asked for.
    peer.sendHeaders(9, fields);
    await harness.end(9);
    peer.hangUp();
    await settle();
    expect(harness.connection.closed).toBe(true);
    expect(harness.errors).toEqual([]);
  });

  it('is answered 415 without a fallback', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    harness.peer.sendHeaders(1, fields, Flag.endStream);
    const frame = await harness.end(1);
    expect(frame && harness.peer.decode(frame).get(':status')).toBe('415');
  });
});

describe('a client that takes only short header lists', () => {
  async function answerTo(method: string, methods?: ReadonlyMap<string, GrpcMethod>) {
    const harness = new ServerHarness(methods === undefined ? {} : { methods });
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.maxHeaderListSize, 500]]));
    peer.sendHeaders(1, callFields(method));
    peer.send(FrameType.data, Flag.endStream, 1, framed('long '.repeat(200)));
    const end = await harness.end(1);
    return end && peer.decode(end);
  }

  it('gets the status of an error without what makes it long', async () => {
    const answer = await answerTo('Fail');
    expect(answer?.get('grpc-status')).toBe('11');
    expect(answer?.get('grpc-message')).toBe('the answer has more metadata than the client takes');
    expect(answer?.get('grpc-status-details-bin')).toBeUndefined();
  });

  it('gets an error in place of an answer with long metadata', async () => {
    const method: GrpcMethod = {
      kind: 'unary',
      handle: (request, call) => {
        call.setHeaders([['token', 'x'.repeat(500)]]);
        call.reply(request);
      },
    };
    const answer = await answerTo('Unary', new Map([['/test.Echo/Unary', method]]));
    expect(answer?.get('grpc-status')).toBe('13');
    expect(answer?.get('token')).toBeUndefined();
  });
});
