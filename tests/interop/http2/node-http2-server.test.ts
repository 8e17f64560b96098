import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type GrpcClient, Status } from '@kvorum/h2';
import { framed } from '@kvorum/h2/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually, within } from '../../framework/eventually.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { failureOf, newClient, RecordedCall } from './client.ts';

// The client of `@kvorum/h2` against nghttp2 as a server, in Node's wrapping: it can be made to do what a gRPC library
// never does, and checks every frame it gets.

const openssl = systemProgram('openssl');
const { constants } = http2;

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A server of node:http2, and a client for it. */
class Pair implements Disposable {
  readonly sessions: http2.ServerHttp2Session[] = [];
  /** What nghttp2 held against our frames. */
  readonly faults: Error[] = [];
  readonly server: http2.Http2Server;

  static async listen(
    handler: Handler,
    options: http2.ServerOptions = {},
    certificate?: Certificate,
  ): Promise<Pair> {
    const pair = new Pair(handler, options, certificate);
    await new Promise<void>((resolve) => pair.server.listen(0, '127.0.0.1', resolve));
    return pair;
  }

  private constructor(
    handler: Handler,
    options: http2.ServerOptions,
    certificate: Certificate | undefined,
  ) {
    if (certificate === undefined) {
      this.server = http2.createServer(options);
    } else {
      const { key, cert } = certificate;
      this.server = http2.createSecureServer({ ...options, key, cert });
    }
    this.server.on('session', (session) => this.sessions.push(session));
    this.server.on('sessionError', (error) => this.faults.push(error));
    this.server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      handler(stream, headers);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get session(): http2.ServerHttp2Session {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('nobody has connected');
    return session;
  }

  [Symbol.dispose](): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }
}

const grpcHead = { ':status': 200, 'content-type': 'application/grpc' };

/** Echoes what it gets, frame by frame, and ends with OK. */
const echo: Handler = (stream) => {
  stream.respond(grpcHead, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.pipe(stream);
};

/** Ends with a status and nothing else, all in the headers. */
function trailersOnly(stream: http2.ServerHttp2Stream, fields: http2.OutgoingHttpHeaders): void {
  stream.resume();
  stream.respond({ ...grpcHead, ...fields }, { endStream: true });
}

const clients: GrpcClient[] = [];

function clientOf(...args: Parameters<typeof newClient>): GrpcClient {
  const client = newClient(...args);
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** Not of one frame, nor of whole frames. */
const large = Buffer.alloc(1_234_567, 'abcdefghijk');

describe('a client of @kvorum/h2, of a server of node:http2', () => {
  it.each([
    ['as it is', {}],
    ['with windows of 100 bytes', { initialWindowSize: 100 }],
    ['with frames of 1 MiB', { maxFrameSize: 1 << 20, initialWindowSize: 1 << 24 }],
    ['without a header table', { headerTableSize: 0 }],
    ['with five streams at a time', { maxConcurrentStreams: 5 }],
  ])('makes calls, %s', async (_, settings) => {
    using pair = await Pair.listen(echo, { settings });
    const client = clientOf(pair.port);
    const small = Array.from({ length: 300 }, (_unused, i) => Buffer.from(`call ${i}`));
    const replies = await Promise.all(small.map((message) => client.unary('/e/E', message)));
    expect(replies.map((reply) => Buffer.from(reply).toString())).toEqual(small.map(String));
    const big = large.subarray(0, 200_000);
    expect(big.equals(await client.unary('/e/E', big))).toBe(true);
    expect(pair.sessions.length).toBe(1);
    expect(pair.faults).toEqual([]);
  });

  it('follows when the settings change under way', async () => {
    using pair = await Pair.listen(echo, { settings: { initialWindowSize: 1000 } });
    const client = clientOf(pair.port, { limits: { streamWindowBytes: 100_000 } });
    const call = new RecordedCall(client, '/e/E');
    const sent = (async () => {
      for (let i = 0; i < 20; i++) await call.send(large.subarray(0, 100_000));
      call.halfClose();
    })();
    await call.received(1);
    const steps: http2.Settings[] = [
      { initialWindowSize: 0, headerTableSize: 0 },
      { initialWindowSize: 70_000, maxFrameSize: 20_000 },
      { initialWindowSize: 10, headerTableSize: 65_536 },
      { initialWindowSize: 1_000_000, maxConcurrentStreams: 2 },
    ];
    const replies: Promise<Uint8Array>[] = [];
    for (const [step, settings] of steps.entries()) {
      await within('the acknowledgement', settled(pair.session, settings));
      const metadata: [string, string][] = [['x-step', `after ${step}`]];
      replies.push(client.unary('/e/E', Buffer.alloc(100), { metadata }));
    }
    expect((await Promise.all(replies)).map((reply) => reply.length)).toEqual([100, 100, 100, 100]);
    await sent;
    expect((await call.ended()).status).toBe(Status.ok);
    expect(call.messages.length).toBe(20);
    expect(pair.faults).toEqual([]);
  });

  it('gets large messages through small windows of its own', async () => {
    using pair = await Pair.listen(echo);
    const limits = { streamWindowBytes: 1000, connectionWindowBytes: 65_535 };
    const client = clientOf(pair.port, { limits });
    const replies = await Promise.all([1, 2, 3].map(() => client.unary('/e/E', large)));
    expect(replies.every((reply) => large.equals(reply))).toBe(true);
    expect(pair.faults).toEqual([]);
  });

  it('takes trailers without headers before them', async () => {
    using pair = await Pair.listen((stream, headers) =>
      trailersOnly(stream, {
        'grpc-status': headers['x-status'] as string,
        'grpc-message': 'so%20it is',
      }),
    );
    const client = clientOf(pair.port);
    for (const [code, status] of [
      ['5', Status.notFound],
      ['16', Status.unauthenticated],
    ] as const) {
      const metadata: [string, string][] = [['x-status', code]];
      const failure = await failureOf(client.unary('/e/E', large, { metadata }));
      expect([failure.status, failure.message]).toEqual([status, 'so it is']);
    }
    expect(pair.faults).toEqual([]);
  });

  it.each([
    [400, Status.internal],
    [401, Status.unauthenticated],
    [403, Status.permissionDenied],
    [404, Status.unimplemented],
    [429, Status.unavailable],
    [502, Status.unavailable],
    [503, Status.unavailable],
    [418, Status.unknown],
  ])('makes a gRPC status of HTTP %i', async (httpStatus, status) => {
    using pair = await Pair.listen((stream) => {
      stream.respond({ ':status': httpStatus, 'content-type': 'text/html' });
      stream.end('<h1>Sorry</h1>');
    });
    const failure = await failureOf(clientOf(pair.port).unary('/e/E', Buffer.alloc(1)));
    expect(failure.status).toBe(status);
  });

  it.each([
    ['NO_ERROR', constants.NGHTTP2_NO_ERROR, Status.internal, false],
    ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR, Status.internal, false],
    ['REFUSED_STREAM', constants.NGHTTP2_REFUSED_STREAM, Status.unavailable, true],
    ['CANCEL', constants.NGHTTP2_CANCEL, Status.cancelled, false],
    ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM, Status.resourceExhausted, false],
    ['INADEQUATE_SECURITY', constants.NGHTTP2_INADEQUATE_SECURITY, Status.permissionDenied, false],
  ])('makes a gRPC status of RST_STREAM %s', async (_, code, status, isUnprocessed) => {
    using pair = await Pair.listen((stream) => stream.close(code));
    const client = clientOf(pair.port);
    const failure = await failureOf(client.unary('/e/E', Buffer.alloc(1)));
    expect([failure.status, failure.isUnprocessed]).toEqual([status, isUnprocessed]);
    // One stream's end is no other's.
    expect((await failureOf(client.unary('/e/E', Buffer.alloc(1)))).status).toBe(status);
    expect(pair.sessions.length).toBe(1);
    expect(pair.faults).toEqual([]);
  });

  it('sends and reads gzip', async () => {
    const flags: (number | undefined)[] = [];
    using pair = await Pair.listen((stream, headers) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const body = Buffer.concat(pieces);
        flags.push(body[0]);
        const encoding = headers['grpc-encoding'];
        stream.respond({ ...grpcHead, 'grpc-encoding': encoding }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(framed(gzipSync(gunzipSync(body.subarray(5))), 1));
      });
    });
    const text = Buffer.alloc(100_000, 'compress me ');
    const client = clientOf(pair.port);
    expect(text.equals(await client.unary('/e/E', text, { gzip: true }))).toBe(true);
    expect(flags).toEqual([1]);
    expect(pair.faults).toEqual([]);
  });

  it('tells broken answers from good ones', async () => {
    const answers: Readonly<Record<string, Handler>> = {
      '/no/status': (stream) => {
        stream.respond(grpcHead);
        stream.end(framed('x'));
      },
      '/no/message': (stream) => trailersOnly(stream, { 'grpc-status': '0' }),
      '/two/messages': (stream) => {
        stream.respond(grpcHead, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat([framed('x'), framed('y')]));
      },
      '/cut/message': (stream) => {
        stream.respond(grpcHead, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(framed('xyz').subarray(0, 6));
      },
      '/not/gzip': (stream) => {
        stream.respond({ ...grpcHead, 'grpc-encoding': 'gzip' });
        stream.end(framed('x', 1));
      },
      '/gzip/bomb': (stream) => {
        stream.respond({ ...grpcHead, 'grpc-encoding': 'gzip' });
        stream.end(framed(gzipSync(Buffer.alloc(50_000_000)), 1));
      },
    };
    using pair = await Pair.listen((stream, headers) =>
      answers[`${headers[':path']}`]?.(stream, headers),
    );
    const client = clientOf(pair.port);
    const statuses = new Map<string, number>();
    for (const path of Object.keys(answers)) {
      const { status } = await failureOf(client.unary(path, Buffer.alloc(1)));
      statuses.set(path, status);
    }
    expect([...statuses]).toEqual([
      ['/no/status', expect.toBeOneOf([Status.unknown, Status.internal])],
      ['/no/message', expect.toBeOneOf([Status.unimplemented, Status.internal])],
      ['/two/messages', expect.toBeOneOf([Status.unimplemented, Status.internal])],
      ['/cut/message', Status.internal],
      ['/not/gzip', Status.internal],
      ['/gzip/bomb', Status.resourceExhausted],
    ]);
    expect(pair.sessions.length).toBe(1);
  });

  it('goes to a new connection when the server says GOAWAY, and finishes on the old', async () => {
    using pair = await Pair.listen(echo);
    const client = clientOf(pair.port);
    const running = new RecordedCall(client, '/e/E');
    await running.send(Buffer.from('before'));
    await running.received(1);
    pair.session.close();
    await eventually('the goodbye', () => client.state === 'idle');
    expect(String(await client.unary('/e/E', Buffer.from('elsewhere')))).toBe('elsewhere');
    expect(pair.sessions.length).toBe(2);
    await running.send(Buffer.from('after'));
    running.halfClose();
    expect((await running.ended()).status).toBe(Status.ok);
    expect(running.messages.map(String)).toEqual(['before', 'after']);
    await eventually('the end of the old connection', () => pair.sessions[0]?.destroyed);
    expect(pair.faults).toEqual([]);
  });

  it('makes calls again that a GOAWAY says were not looked at', async () => {
    const seen: number[] = [];
    using pair = await Pair.listen((stream, headers) => {
      seen.push(stream.id ?? 0);
      // The first connection takes no stream above 1.
      if (pair.sessions.length > 1 || stream.id === 1) echo(stream, headers);
    });
    const client = clientOf(pair.port);
    expect(String(await client.unary('/e/E', Buffer.from('first')))).toBe('first');
    const call = client.unary('/e/E', Buffer.from('second')).catch(failureStatus);
    await eventually('the second call', () => seen.length === 2);
    pair.session.goaway(constants.NGHTTP2_NO_ERROR, 1);
    const outcome = await call;
    // Either the client makes it again by itself, or it says that the caller may.
    if (outcome instanceof Uint8Array) expect(String(outcome)).toBe('second');
    else expect(outcome).toEqual([Status.unavailable, true]);
  });

  it('survives that the connection is cut', async () => {
    using pair = await Pair.listen((stream, headers) => {
      if (headers[':path'] === '/e/Cut') stream.session?.socket.destroy();
      else echo(stream, headers);
    });
    const client = clientOf(pair.port);
    const running = new RecordedCall(client, '/e/E');
    await running.send(Buffer.from('a'));
    await running.received(1);
    const cut = await failureOf(client.unary('/e/Cut', Buffer.alloc(1)));
    expect([cut.status, cut.isUnprocessed]).toEqual([Status.unavailable, false]);
    expect((await running.ended()).status).toBe(Status.unavailable);
    const again = client.unary('/e/E', Buffer.from('again'), { waitForReady: true });
    expect(String(await again)).toBe('again');
  });

  it('keeps the rest of a stream from a server that ends it early', async () => {
    using pair = await Pair.listen((stream) => trailersOnly(stream, { 'grpc-status': '9' }));
    const client = clientOf(pair.port);
    const call = new RecordedCall(client, '/e/E');
    for (let i = 0; i < 20; i++) await call.send(large);
    expect((await call.ended()).status).toBe(Status.failedPrecondition);
    expect((await failureOf(client.unary('/e/E', large))).status).toBe(Status.failedPrecondition);
    expect(pair.sessions.length).toBe(1);
    expect(pair.faults).toEqual([]);
  });

  it.skipIf(openssl === undefined)('calls over TLS, whose ALPN says h2', async () => {
    using certificate = new Certificate(openssl ?? '');
    using pair = await Pair.listen(echo, {}, certificate);
    const client = clientOf(pair.port, { certificate });
    const replies = await Promise.all([1, 2, 3].map(() => client.unary('/e/E', large)));
    expect(replies.every((reply) => large.equals(reply))).toBe(true);
    expect(pair.faults).toEqual([]);
  });
});

/** Resolves when the client has acknowledged new settings. */
function settled(session: http2.ServerHttp2Session, settings: http2.Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    session.settings(settings, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

async function failureStatus(error: unknown): Promise<[number, boolean]> {
  const { status, isUnprocessed } = await failureOf(Promise.reject(error));
  return [status, isUnprocessed];
}

describe('a plain request of a client of @kvorum/h2, to a server of node:http2', () => {
  async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  it('gets its body back, with trailers', async () => {
    using pair = await Pair.listen((stream) => {
      stream.respond({ ':status': 201, 'x-head': 'one' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-tail': 'two' }));
      stream.pipe(stream);
    });
    const client = clientOf(pair.port);
    async function* body() {
      for (let i = 0; i < 30; i++) yield large;
    }
    const response = await client.exchange({ method: 'PUT', path: '/', body: body() });
    expect([response.status, response.headers.get('x-head')]).toEqual([201, 'one']);
    expect((await text(response.body)).length).toBe(30 * large.length);
    expect(response.trailers.get('x-tail')).toBe('two');
    expect(pair.faults).toEqual([]);
  });

  it('is not confused by answers in advance', async () => {
    using pair = await Pair.listen((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
      stream.additionalHeaders({ ':status': 100 });
      stream.respond({ ':status': 200 });
      stream.end('at last');
    });
    const response = await clientOf(pair.port).exchange({ method: 'GET', path: '/' });
    expect([response.status, await text(response.body)]).toEqual([200, 'at last']);
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('knows that there is no body after %s and %i', async (method, status) => {
    using pair = await Pair.listen((stream) => {
      stream.respond({ ':status': status, 'content-length': '1000' }, { endStream: true });
    });
    const response = await clientOf(pair.port).exchange({ method, path: '/' });
    expect([response.status, await text(response.body)]).toEqual([status, '']);
  });

  it('may be left before its answer has come whole', async () => {
    using pair = await Pair.listen((stream) => {
      stream.respond({ ':status': 200 });
      stream.write(large);
    });
    const client = clientOf(pair.port);
    const response = await client.exchange({ method: 'GET', path: '/' });
    for await (const piece of response.body) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    const next = await client.exchange({ method: 'GET', path: '/' });
    expect(next.status).toBe(200);
    expect(pair.faults).toEqual([]);
  });
});
