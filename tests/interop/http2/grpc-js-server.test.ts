import * as grpc from '@grpc/grpc-js';
import { type GrpcClient, Status } from '@kvorum/h2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually } from '../../framework/eventually.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { failureOf, newClient, RecordedCall } from './client.ts';

// The client of `@kvorum/h2` against a server of the gRPC library that most programs on Node use.

const openssl = systemProgram('openssl');

const same = (bytes: Buffer): Buffer => bytes;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

const definition = {
  unary: method('Unary', false, false),
  fail: method('Fail', false, false),
  never: method('Never', false, false),
  collect: method('Collect', true, false),
  repeat: method('Repeat', false, true),
  stream: method('Stream', true, true),
  failLate: method('FailLate', true, true),
};

type Unary = grpc.handleUnaryCall<Buffer, Buffer>;
type Bidi = grpc.handleBidiStreamingCall<Buffer, Buffer>;

/** An echo server, and what it saw of calls that ended early. */
class EchoServer {
  readonly server: grpc.Server;
  cancelled = 0;
  port = 0;

  constructor(options: grpc.ServerOptions = {}) {
    this.server = new grpc.Server({ 'grpc.max_receive_message_length': -1, ...options });
    this.server.addService(definition, {
      unary: ((call, callback) => {
        call.sendMetadata(reflected(call.metadata, 'x-head'));
        callback(null, call.request, reflected(call.metadata, 'x-tail'));
      }) satisfies Unary,
      fail: ((call, callback) => {
        const metadata = reflected(call.metadata, 'x-tail');
        metadata.set('grpc-status-details-bin', Buffer.from([1, 2, 255]));
        callback({ code: grpc.status.OUT_OF_RANGE, details: String(call.request), metadata });
      }) satisfies Unary,
      never: ((call) => {
        call.on('cancelled', () => {
          this.cancelled += 1;
        });
      }) satisfies Unary,
      collect: ((call, callback) => {
        let size = 0;
        call.on('data', (message: Buffer) => {
          size += message.length;
        });
        call.on('end', () => callback(null, Buffer.from(`${size} bytes`)));
      }) satisfies grpc.handleClientStreamingCall<Buffer, Buffer>,
      repeat: ((call) => {
        const [count = 0, size = 0] = String(call.request).split(' ').map(Number);
        for (let i = 0; i < count; i++) call.write(Buffer.alloc(size, i));
        call.end();
      }) satisfies grpc.handleServerStreamingCall<Buffer, Buffer>,
      stream: ((call) => {
        call.on('cancelled', () => {
          this.cancelled += 1;
        });
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
      }) satisfies Bidi,
      failLate: ((call) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () =>
          call.emit('error', { code: grpc.status.DATA_LOSS, details: 'lost it, späte' }),
        );
      }) satisfies Bidi,
    });
  }

  /** Binds it to a port of 127.0.0.1; 0: any. */
  async listen(credentials = grpc.ServerCredentials.createInsecure(), port = 0): Promise<void> {
    this.port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  /** Says goodbye and waits for the calls that run. */
  drained(): Promise<Error | undefined> {
    return new Promise((resolve) => this.server.tryShutdown(resolve));
  }
}

/** The metadata whose names begin so. */
function reflected(metadata: grpc.Metadata, prefix: string): grpc.Metadata {
  const result = new grpc.Metadata();
  for (const name of Object.keys(metadata.getMap())) {
    if (!name.startsWith(prefix)) continue;
    for (const value of metadata.get(name)) result.add(name, value);
  }
  return result;
}

let server: EchoServer;
const clients: GrpcClient[] = [];

beforeAll(async () => {
  server = new EchoServer();
  await server.listen();
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(() => server.server.forceShutdown());

function clientOf(...args: Parameters<typeof newClient>): GrpcClient {
  const client = newClient(...args);
  clients.push(client);
  return client;
}

const unary = '/test.Echo/Unary';
const stream = '/test.Echo/Stream';

describe('a client of @kvorum/h2, of a server of the grpc-js library', () => {
  it('gets its bytes back from a unary call', async () => {
    const client = clientOf(server.port);
    expect(String(await client.unary(unary, Buffer.from('hello')))).toBe('hello');
    expect((await client.unary(unary, Buffer.alloc(0))).length).toBe(0);
  });

  it('makes many calls at once', async () => {
    const client = clientOf(server.port);
    const calls = Array.from({ length: 1000 }, (_, i) =>
      client.unary(unary, Buffer.from(`call ${i}`)),
    );
    const replies = await Promise.all(calls);
    expect(replies.map((reply) => Buffer.from(reply).toString())).toEqual(
      calls.map((_, i) => `call ${i}`),
    );
  });

  it('waits its turn when the server takes few streams', async () => {
    const narrow = new EchoServer({ 'grpc.max_concurrent_streams': 7 });
    await narrow.listen();
    const client = clientOf(narrow.port);
    const calls = Array.from({ length: 200 }, (_, i) => client.unary(unary, Buffer.from(`${i}`)));
    expect((await Promise.all(calls)).length).toBe(200);
    narrow.server.forceShutdown();
  });

  it('sends and gets messages larger than every window', async () => {
    const client = clientOf(server.port, { limits: { maxReceiveMessageBytes: 8_000_000 } });
    const large = Buffer.alloc(5_000_000, 'abcdefg');
    const replies = await Promise.all([1, 2, 3].map(() => client.unary(unary, large)));
    expect(replies.map((reply) => large.equals(reply))).toEqual([true, true, true]);
  });

  it('refuses a message that is too large for itself', async () => {
    const client = clientOf(server.port, { limits: { maxReceiveMessageBytes: 1000 } });
    const status = await failureOf(client.unary(unary, Buffer.alloc(1001)));
    expect(status.status).toBe(Status.resourceExhausted);
    expect(status.message).toContain('1001 vs. 1000');
    expect((await client.unary(unary, Buffer.alloc(1000))).length).toBe(1000);
  });

  it('gets status, message, details and metadata of an error', async () => {
    const call = clientOf(server.port).unary('/test.Echo/Fail', Buffer.from('100 % größer\n'), {
      metadata: [['x-tail', 'one']],
    });
    const { status, message, details, metadata, isUnprocessed } = await failureOf(call);
    expect([status, message]).toEqual([Status.outOfRange, '100 % größer\n']);
    expect([...(details ?? [])]).toEqual([1, 2, 255]);
    expect(metadata.get('x-tail')).toBe('one');
    expect(isUnprocessed).toBe(false);
  });

  it('sends metadata, and gets some before and after the reply', async () => {
    const fields: [string, string][] = [
      ['x-head', 'one'],
      ['x-head-bin', Buffer.from([0, 255]).toString('base64')],
      ['X-Tail', 'two'],
      ['x-tail-bin', Buffer.from([1]).toString('base64')],
    ];
    const seen: unknown[] = [];
    await clientOf(server.port).unary(unary, Buffer.alloc(0), {
      metadata: fields,
      onHead: (head) => seen.push(head.get('x-head'), [...(head.getBinary('x-head-bin') ?? [])]),
      onEnd: ({ metadata }) =>
        seen.push(metadata.get('x-tail'), [...(metadata.getBinary('x-tail-bin') ?? [])]),
    });
    expect(seen).toEqual(['one', [0, 255], 'two', [1]]);
  });

  it('is told that a method is not implemented', async () => {
    const { status, message } = await failureOf(
      clientOf(server.port).unary('/test.Echo/Nope', Buffer.alloc(100_000)),
    );
    expect([status, message]).toEqual([
      Status.unimplemented,
      'The server does not implement the method /test.Echo/Nope',
    ]);
  });

  it('ends calls at their deadline, and the server learns of it', async () => {
    const before = server.cancelled;
    const client = clientOf(server.port);
    const call = client.unary('/test.Echo/Never', Buffer.alloc(0), { timeoutMs: 50 });
    expect((await failureOf(call)).status).toBe(Status.deadlineExceeded);
    const streaming = new RecordedCall(client, stream, { timeoutMs: 50 });
    expect((await streaming.ended()).status).toBe(Status.deadlineExceeded);
    await eventually('both to be cancelled', () => server.cancelled === before + 2);
  });

  it('cancels calls, and the server learns of it', async () => {
    const before = server.cancelled;
    const client = clientOf(server.port);
    const abort = new AbortController();
    const call = client.unary('/test.Echo/Never', Buffer.alloc(0), { signal: abort.signal });
    const streaming = new RecordedCall(client, stream);
    void streaming.send(Buffer.from('a'));
    await streaming.received(1);
    abort.abort();
    streaming.cancel();
    expect((await failureOf(call)).status).toBe(Status.cancelled);
    expect((await streaming.ended()).status).toBe(Status.cancelled);
    await eventually('both to be cancelled', () => server.cancelled === before + 2);
    expect(String(await client.unary(unary, Buffer.from('on')))).toBe('on');
  });

  it('streams both ways, with more than the windows hold', async () => {
    const call = new RecordedCall(clientOf(server.port), stream);
    const messages = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i * 100, i));
    for (const message of messages) await call.send(message);
    call.halfClose();
    expect((await call.ended()).status).toBe(Status.ok);
    expect(call.messages.map((message) => message.length)).toEqual(messages.map((m) => m.length));
    expect(Buffer.concat(call.messages).equals(Buffer.concat(messages))).toBe(true);
  });

  it('holds the server back while it does not read', async () => {
    const call = new RecordedCall(clientOf(server.port), '/test.Echo/Repeat');
    await call.send(Buffer.from('300 100000'));
    call.halfClose();
    await call.received(1);
    call.pause();
    const seen = call.messages.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(call.messages.length).toBe(seen);
    call.resume();
    expect((await call.ended()).status).toBe(Status.ok);
    expect(call.messages.length).toBe(300);
    expect(call.messages.every((one, i) => one.equals(Buffer.alloc(100_000, i)))).toBe(true);
  });

  it('sends a stream of questions', async () => {
    const call = new RecordedCall(clientOf(server.port), '/test.Echo/Collect');
    for (let i = 0; i < 50; i++) await call.send(Buffer.alloc(100_000));
    call.halfClose();
    expect((await call.ended()).status).toBe(Status.ok);
    expect(call.messages.map(String)).toEqual(['5000000 bytes']);
  });

  it('gets the messages before an error, and then the error', async () => {
    const call = new RecordedCall(clientOf(server.port), '/test.Echo/FailLate');
    await call.send(Buffer.from('one'));
    await call.send(Buffer.from('two'));
    call.halfClose();
    const { status, message } = await call.ended();
    expect(call.messages.map(String)).toEqual(['one', 'two']);
    expect([status, message]).toEqual([Status.dataLoss, 'lost it, späte']);
  });

  it('sends gzip, which such a server reads but does not write', async () => {
    const client = clientOf(server.port);
    const text = Buffer.alloc(100_000, 'compress me ');
    expect(text.equals(await client.unary(unary, text, { gzip: true }))).toBe(true);
    const call = new RecordedCall(client, stream, { gzip: true });
    for (const message of [text, Buffer.alloc(0), text]) await call.send(message);
    call.halfClose();
    expect((await call.ended()).status).toBe(Status.ok);
    expect(call.messages.map((one) => one.length)).toEqual([100_000, 0, 100_000]);
  });

  it('finishes what runs when the server drains, and finds the next one', async () => {
    const leaving = new EchoServer();
    await leaving.listen();
    const { port } = leaving;
    const client = clientOf(port);
    const running = new RecordedCall(client, stream);
    await running.send(Buffer.from('before'));
    await running.received(1);
    const drained = leaving.drained();
    await eventually('the goodbye', () => client.state === 'idle');
    await running.send(Buffer.from('after'));
    running.halfClose();
    expect((await running.ended()).status).toBe(Status.ok);
    expect(running.messages.map(String)).toEqual(['before', 'after']);
    expect(await drained).toBeUndefined();

    const lost = await failureOf(client.unary(unary, Buffer.alloc(1)));
    expect([lost.status, lost.isUnprocessed]).toEqual([Status.unavailable, true]);
    const waiting = client.unary(unary, Buffer.from('found'), { waitForReady: true });
    const next = new EchoServer();
    await next.listen(grpc.ServerCredentials.createInsecure(), port);
    expect(String(await waiting)).toBe('found');
    next.server.forceShutdown();
  });

  it('loses what runs when the server ends at once', async () => {
    const leaving = new EchoServer();
    await leaving.listen();
    const client = clientOf(leaving.port);
    const running = new RecordedCall(client, stream);
    await running.send(Buffer.from('a'));
    await running.received(1);
    const waiting = failureOf(client.unary('/test.Echo/Never', Buffer.alloc(0)));
    leaving.server.forceShutdown();
    for (const { status } of [await running.ended(), await waiting]) {
      expect([Status.unavailable, Status.cancelled]).toContain(status);
    }
  });

  it.skipIf(openssl === undefined)('calls over TLS', async () => {
    using certificate = new Certificate(openssl ?? '');
    const pair = {
      private_key: Buffer.from(certificate.key),
      cert_chain: Buffer.from(certificate.cert),
    };
    const secure = new EchoServer();
    await secure.listen(grpc.ServerCredentials.createSsl(null, [pair]));
    const client = clientOf(secure.port, { certificate });
    const large = Buffer.alloc(1_000_000, 'tls ');
    const replies = await Promise.all([1, 2, 3].map(() => client.unary(unary, large)));
    expect(replies.map((reply) => large.equals(reply))).toEqual([true, true, true]);
    secure.server.forceShutdown();
  });
});
