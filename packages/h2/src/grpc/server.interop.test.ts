import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeClock } from '../node-clock.ts';
import { EchoService } from '../testing/echo-service.ts';
import { GrpcServer } from './server.ts';

const echoPath = '/test.Echo/Unary';

let echo: EchoService;
let server: GrpcServer;
let listener: net.Server;
let address: string;

beforeAll(async () => {
  echo = new EchoService();
  server = new GrpcServer({ methods: echo.methods, clock: nodeClock });
  listener = net.createServer((socket) => server.accept(socket));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  listener.close();
});

interface Answer {
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

async function request(headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<Answer> {
  const session = http2.connect(`http://${address}`);
  const stream = session.request({ ':method': 'POST', te: 'trailers', ...headers });
  const chunks: Buffer[] = [];
  const answer: Answer = await new Promise((resolve, reject) => {
    let head: http2.IncomingHttpHeaders = {};
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('response', (received) => {
      head = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve({ headers: head, trailers, body: Buffer.concat(chunks) }));
    stream.on('error', reject);
    stream.end(body);
  });
  session.close();
  return answer;
}

function framed(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const grpcHeaders = { ':path': echoPath, 'content-type': 'application/grpc' };

describe('a client of node:http2', () => {
  it('sees the plain shape of a unary answer', async () => {
    const answer = await request(grpcHeaders, framed(Buffer.from('abc')));
    expect(answer.headers[':status']).toBe(200);
    expect(answer.headers['content-type']).toBe('application/grpc');
    expect(answer.trailers['grpc-status']).toBe('0');
    expect(answer.body.equals(framed(Buffer.from('abc')))).toBe(true);
  });

  it('accepts every content type of gRPC, and no other', async () => {
    const body = framed(Buffer.from('x'));
    for (const type of ['application/grpc+proto', 'application/grpc; charset=utf-8']) {
      const answer = await request({ ...grpcHeaders, 'content-type': type }, body);
      expect(answer.trailers['grpc-status']).toBe('0');
    }
    for (const type of ['application/grpc-web', 'application/json', '']) {
      const answer = await request({ ...grpcHeaders, 'content-type': type }, body);
      expect(answer.headers[':status']).toBe(415);
      expect(answer.headers['grpc-message']).toContain('invalid gRPC request content-type');
    }
  });

  it('gets a gzipped answer only after a gzipped question', async () => {
    const message = Buffer.alloc(5000, 'z');
    const plain = await request(
      { ...grpcHeaders, 'grpc-accept-encoding': 'gzip' },
      framed(message),
    );
    expect(plain.headers['grpc-encoding']).toBeUndefined();
    const body = framed(gzipSync(message), 1);
    const packed = await request({ ...grpcHeaders, 'grpc-encoding': 'gzip' }, body);
    expect(packed.headers['grpc-encoding']).toBe('gzip');
    expect(packed.body[0]).toBe(1);
    expect(gunzipSync(packed.body.subarray(5)).equals(message)).toBe(true);
  });

  it('may send more header fields than fit one frame', async () => {
    const fields = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`x-field-${i}`, String(i).repeat(150)]),
    );
    const answer = await request({ ...grpcHeaders, ...fields }, framed(Buffer.from('x')));
    expect(answer.trailers['grpc-status']).toBe('0');
    const tooMany = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`x-field-${i}`, String(i)]),
    );
    const refused = await request({ ...grpcHeaders, ...tooMany }, framed(Buffer.from('x')));
    expect(refused.headers[':status']).toBe(431);
  });
});
