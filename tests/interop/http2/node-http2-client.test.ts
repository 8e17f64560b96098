import http2 from 'node:http2';
import { gunzipSync, gzipSync } from 'node:zlib';
import { framed } from '@kvorum/h2/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually, within } from '../../framework/eventually.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer } from './echo-server.ts';

// A server of `@kvorum/h2` and nghttp2 as its client, in Node's wrapping: what goes over the wire can be seen, and
// asked for, frame by frame.

const openssl = systemProgram('openssl');
const { constants } = http2;

let server: EchoServer;

beforeAll(async () => {
  server = await EchoServer.listen();
});

afterAll(() => server[Symbol.dispose]());

/** One connection, and what nghttp2 held against the server. */
class Session implements Disposable {
  readonly http2: http2.ClientHttp2Session;
  readonly faults: Error[] = [];
  /** Codes of the GOAWAYs that came. */
  readonly goaways: number[] = [];

  constructor(options: http2.SecureClientSessionOptions = {}, url = server.url) {
    this.http2 = http2.connect(url, options);
    this.http2.on('error', (error) => this.faults.push(error));
    this.http2.on('goaway', (code) => this.goaways.push(code));
  }

  open(headers: http2.OutgoingHttpHeaders): http2.ClientHttp2Stream {
    const stream = this.http2.request({ ':method': 'POST', te: 'trailers', ...headers });
    stream.on('error', () => {});
    return stream;
  }

  request(headers: http2.OutgoingHttpHeaders, body: Uint8Array): Promise<Answer> {
    const stream = this.open(headers);
    stream.end(body);
    return within('the answer', answerOf(stream), 20_000);
  }

  [Symbol.dispose](): void {
    this.http2.close();
  }
}

interface Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly resetCode: number | undefined;
}

function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  let headers: http2.IncomingHttpHeaders = {};
  let trailers: http2.IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (received) => {
    headers = received;
  });
  stream.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    stream.on('close', () => {
      resolve({ headers, trailers, body: Buffer.concat(chunks), resetCode: stream.rstCode });
    });
  });
}

const grpcHeaders = { ':path': '/test.Echo/Unary', 'content-type': 'application/grpc' };
const streamHeaders = { ...grpcHeaders, ':path': '/test.Echo/Stream' };

describe('a client of node:http2', () => {
  it('sees the plain shape of a unary answer', async () => {
    using session = new Session();
    const answer = await session.request(grpcHeaders, framed('abc'));
    expect(answer.headers[':status']).toBe(200);
    expect(answer.headers['content-type']).toBe('application/grpc');
    expect(answer.trailers['grpc-status']).toBe('0');
    expect(answer.body.equals(framed('abc'))).toBe(true);
  });

  it('gets an error in one block of headers', async () => {
    using session = new Session();
    const fail = { ...grpcHeaders, ':path': '/test.Echo/Fail' };
    const answer = await session.request(fail, framed('100 % größer\n'));
    expect(answer.headers).toMatchObject({
      ':status': 200,
      'grpc-status': '11',
      'grpc-message': '100 %25 gr%C3%B6%C3%9Fer%0A',
      'grpc-status-details-bin': 'AQL/',
    });
    expect([answer.trailers, answer.body.length]).toEqual([{}, 0]);
  });

  it('gets a gzipped answer only after a gzipped question', async () => {
    using session = new Session();
    const message = Buffer.alloc(5000, 'z');
    const mayBe = { ...grpcHeaders, 'grpc-accept-encoding': 'gzip' };
    const plain = await session.request(mayBe, framed(message));
    expect(plain.headers['grpc-encoding']).toBeUndefined();
    const body = framed(gzipSync(message), 1);
    const packed = await session.request({ ...grpcHeaders, 'grpc-encoding': 'gzip' }, body);
    expect(packed.headers['grpc-encoding']).toBe('gzip');
    expect(packed.body[0]).toBe(1);
    expect(gunzipSync(packed.body.subarray(5)).equals(message)).toBe(true);
  });

  it('may send more header fields than fit one frame', async () => {
    using session = new Session();
    const fields = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`x-field-${i}`, String(i).repeat(150)]),
    );
    const answer = await session.request({ ...grpcHeaders, ...fields }, framed('x'));
    expect(answer.trailers['grpc-status']).toBe('0');
    const tooMany = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`x-field-${i}`, String(i)]),
    );
    const refused = await session.request({ ...grpcHeaders, ...tooMany }, framed('x'));
    expect(refused.headers[':status']).toBe(431);
  });

  it.each([
    ['as it is', {}],
    ['with windows of 100 bytes', { initialWindowSize: 100 }],
    ['with frames of 1 MiB', { maxFrameSize: 1 << 20, initialWindowSize: 1 << 24 }],
    ['without a header table', { headerTableSize: 0 }],
    ['without push', { enablePush: false }],
  ])('makes 300 calls at once on one connection, %s', async (_, settings) => {
    using session = new Session({ settings });
    const bodies = Array.from({ length: 300 }, (_unused, i) => framed(Buffer.alloc(i * 20, i)));
    const answers = await Promise.all(bodies.map((body) => session.request(grpcHeaders, body)));
    expect(answers.every(({ body }, i) => bodies[i]?.equals(body))).toBe(true);
    expect(answers.every(({ trailers }) => trailers['grpc-status'] === '0')).toBe(true);
    expect([session.faults, session.goaways]).toEqual([[], []]);
  });

  it('changes its settings while a stream runs', async () => {
    using session = new Session({ settings: { initialWindowSize: 1000 } });
    const stream = session.open(streamHeaders);
    const answer = answerOf(stream);
    const message = framed(Buffer.alloc(500_000, 'abc'));
    stream.write(message);
    for (const settings of [
      { initialWindowSize: 0, headerTableSize: 0 },
      { initialWindowSize: 70_000, maxFrameSize: 20_000 },
      { initialWindowSize: 10, headerTableSize: 65_536 },
      { initialWindowSize: 1_000_000, maxHeaderListSize: 10_000 },
    ]) {
      await within('the acknowledgement', acknowledged(session.http2, settings));
      stream.write(framed('more'));
    }
    stream.end();
    const { body, trailers } = await answer;
    const more = Buffer.concat(Array.from({ length: 4 }, () => framed('more')));
    expect(body.equals(Buffer.concat([message, more]))).toBe(true);
    expect(trailers['grpc-status']).toBe('0');
    expect([session.faults, session.goaways]).toEqual([[], []]);
  });

  it('holds the server back while it does not read', async () => {
    using session = new Session();
    const stream = session.open({ ...grpcHeaders, ':path': '/test.Echo/Repeat' });
    const answer = answerOf(stream);
    stream.pause();
    stream.end(framed('300 100000'));
    // Others are served meanwhile, on the same connection too.
    const others = Array.from({ length: 20 }, () => session.request(grpcHeaders, framed('x')));
    for (const { trailers } of await Promise.all(others)) expect(trailers['grpc-status']).toBe('0');
    stream.resume();
    expect((await answer).body.length).toBe(300 * 100_005);
  });

  it('resets calls, and the handlers learn of it', async () => {
    using session = new Session();
    const { abortReasons } = server.echo;
    const before = abortReasons.length;
    const hanging = Array.from({ length: 50 }, () => {
      const stream = session.open({ ...grpcHeaders, ':path': '/test.Echo/Hang' });
      stream.write(framed('x'));
      return stream;
    });
    await session.request(grpcHeaders, framed('behind them'));
    for (const stream of hanging) stream.close(constants.NGHTTP2_CANCEL);
    await eventually('50 aborts', () => abortReasons.length === before + 50);
    expect(new Set(abortReasons.slice(before))).toEqual(new Set(['cancelled']));
    expect((await session.request(grpcHeaders, framed('after'))).trailers['grpc-status']).toBe('0');
  });

  it('has its PINGs answered', async () => {
    using session = new Session();
    await session.request(grpcHeaders, framed('x'));
    const payload = await new Promise((resolve, reject) => {
      session.http2.ping(Buffer.from('8 bytes!'), (error, _duration, echoed) => {
        if (error === null) resolve(String(echoed));
        else reject(error);
      });
    });
    expect(payload).toBe('8 bytes!');
  });

  it('says goodbye while a call runs, which ends as it should', async () => {
    const session = new Session();
    const stream = session.open(streamHeaders);
    const answer = answerOf(stream);
    stream.write(framed('before'));
    await session.request(grpcHeaders, framed('x'));
    session.http2.goaway(constants.NGHTTP2_NO_ERROR);
    session.http2.close();
    stream.end(framed('after'));
    const { body, trailers } = await answer;
    expect(body.equals(Buffer.concat([framed('before'), framed('after')]))).toBe(true);
    expect(trailers['grpc-status']).toBe('0');
    expect(session.faults).toEqual([]);
  });

  it('is told to go, and its last calls are answered', async () => {
    using leaving = await EchoServer.listen();
    using session = new Session({}, leaving.url);
    const stream = session.open(streamHeaders);
    const answer = answerOf(stream);
    stream.write(framed('before'));
    await session.request(grpcHeaders, framed('x'));
    const drained = leaving.grpc.drain();
    await eventually('the goodbye', () => session.goaways.length > 0);
    stream.end(framed('after'));
    expect((await answer).trailers['grpc-status']).toBe('0');
    await within('the end', drained);
    expect(new Set(session.goaways)).toEqual(new Set([constants.NGHTTP2_NO_ERROR]));
    expect(session.faults).toEqual([]);
  });

  it('gets plain HTTP, with trailers', async () => {
    using session = new Session();
    const body = Buffer.alloc(3_000_000, 'plain');
    const echoed = await session.request({ ':path': '/echo' }, body);
    expect(echoed.body.equals(body)).toBe(true);
    expect(echoed.trailers['x-trailer']).toBe('the end');
    expect(echoed.resetCode).toBe(constants.NGHTTP2_NO_ERROR);
    const head = session.http2.request({ ':method': 'HEAD', ':path': '/page' });
    expect((await answerOf(head)).headers['content-length']).toBe('1234');
  });

  it('is told to continue before it sends', async () => {
    using session = new Session();
    const stream = session.open({ ':path': '/collected', expect: '100-continue' });
    const answer = answerOf(stream);
    await within('the word', new Promise<void>((resolve) => stream.once('continue', resolve)));
    stream.end('asked for');
    const { headers, body } = await answer;
    expect([headers[':status'], String(body)]).toEqual([200, 'asked for']);
  });

  it.skipIf(openssl === undefined)('calls over TLS, whose ALPN says h2', async () => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    using session = new Session({ ca: certificate.cert }, secure.url);
    const body = framed(Buffer.alloc(1_000_000, 'tls'));
    const answers = await Promise.all([1, 2, 3].map(() => session.request(grpcHeaders, body)));
    expect(answers.every((answer) => answer.body.equals(body))).toBe(true);
    expect(session.http2.alpnProtocol).toBe('h2');
    expect(session.faults).toEqual([]);
  });

  it('is let go in good order, every time', () => {
    expect(server.errors).toEqual([]);
  });
});

/** Resolves when the server has acknowledged new settings. */
function acknowledged(session: http2.ClientHttp2Session, settings: http2.Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    session.settings(settings, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
