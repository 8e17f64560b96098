import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually } from '../../framework/eventually.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer } from './echo-server.ts';

// The gRPC client that most programs on Node use, against a server of `@kvorum/h2`.

const openssl = systemProgram('openssl');

let server: EchoServer;
const clients: grpc.Client[] = [];

beforeAll(async () => {
  server = await EchoServer.listen();
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  expect(server.errors).toEqual([]);
});

afterAll(() => server[Symbol.dispose]());

const same = (bytes: Buffer): Buffer => bytes;

function newClient(options: grpc.ClientOptions = {}, address = server.address): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), options);
  clients.push(client);
  return client;
}

function unary(
  client: grpc.Client,
  method: string,
  request: Buffer,
  metadata = new grpc.Metadata(),
  options: grpc.CallOptions = {},
): Promise<Buffer> {
  const path = method.startsWith('/') ? method : `/test.Echo/${method}`;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, metadata, options, (error, reply) => {
      if (error !== null) reject(error);
      else resolve(reply ?? Buffer.alloc(0));
    });
  });
}

interface Received {
  readonly messages: readonly Buffer[];
  readonly status: grpc.StatusObject;
}

/** All that comes back on a call with a stream of answers. */
function received(call: grpc.ClientReadableStream<Buffer>): Promise<Received> {
  const messages: Buffer[] = [];
  call.on('data', (message: Buffer) => messages.push(message));
  // The status tells it too.
  call.on('error', () => {});
  return new Promise((resolve) => {
    call.on('status', (status: grpc.StatusObject) => resolve({ messages, status }));
  });
}

describe('a gRPC client of the grpc-js library', () => {
  it('gets its bytes back from a unary call', async () => {
    const client = newClient();
    expect((await unary(client, 'Unary', Buffer.from('hello'))).toString()).toBe('hello');
    expect((await unary(client, 'Unary', Buffer.alloc(0))).length).toBe(0);
  });

  it('makes more calls at once than the connection has streams', async () => {
    const client = newClient();
    const calls = Array.from({ length: 1500 }, (_, i) =>
      unary(client, 'Unary', Buffer.from(`call ${i}`)),
    );
    const replies = await Promise.all(calls);
    expect(replies.map(String)).toEqual(calls.map((_, i) => `call ${i}`));
  });

  it('sends and gets messages larger than every window', async () => {
    const client = newClient({
      'grpc.max_receive_message_length': -1,
      'grpc-node.flow_control_window': 100_000,
    });
    const large = Buffer.alloc(2 * 1024 * 1024, 'abcdefg');
    const call = (): Promise<Buffer> => unary(client, 'Unary', large);
    const replies = await Promise.all([call(), call(), call()]);
    expect(replies.map((reply) => reply.equals(large))).toEqual([true, true, true]);
  });

  it('is told when its message is too large', async () => {
    const call = unary(newClient(), 'Unary', Buffer.alloc(2 * 1024 * 1024 + 1));
    await expect(call).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: 'grpc: received message larger than max (2097153 vs. 2097152)',
    });
  });

  it('gets status, message and details of an error', async () => {
    const call = unary(newClient(), 'Fail', Buffer.from('100 % größer\n'));
    const error = (await call.catch((caught: unknown) => caught)) as grpc.ServiceError;
    expect(error).toMatchObject({ code: grpc.status.OUT_OF_RANGE, details: '100 % größer\n' });
    expect(error.metadata.get('grpc-status-details-bin')).toEqual([Buffer.from([1, 2, 255])]);
  });

  it('has its metadata understood', async () => {
    const metadata = new grpc.Metadata();
    metadata.set('token', 'abc.1');
    metadata.add('many', 'one');
    metadata.add('many', 'two');
    metadata.set('data-bin', Buffer.from([0, 1, 254]));
    const deadline = Date.now() + 60_000;
    const reply = await unary(newClient(), 'Metadata', Buffer.alloc(0), metadata, { deadline });
    expect(JSON.parse(reply.toString())).toMatchObject({
      token: 'abc.1',
      all: ['one', 'two'],
      bin: [0, 1, 254],
      hasDeadline: true,
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it('gets metadata before and after the messages', async () => {
    const metadata = new grpc.Metadata();
    metadata.add('x-head', 'one');
    metadata.add('x-head', 'two');
    metadata.set('x-head-bin', Buffer.from([0, 255]));
    metadata.set('x-tail', 'three');
    metadata.set('x-tail-bin', Buffer.from([1]));
    const path = '/test.Echo/ReflectStream';
    const call = newClient().makeBidiStreamRequest(path, same, same, metadata);
    const head = new Promise<grpc.Metadata>((resolve) => call.on('metadata', resolve));
    call.end(Buffer.from('between'));
    const { messages, status } = await received(call);
    expect(messages.map(String)).toEqual(['between']);
    // node:http2 makes one value of them.
    expect((await head).get('x-head')).toEqual(['one, two']);
    expect((await head).get('x-head-bin')).toEqual([Buffer.from([0, 255])]);
    expect(status.metadata.get('x-tail')).toEqual(['three']);
    expect(status.metadata.get('x-tail-bin')).toEqual([Buffer.from([1])]);

    // An error comes with both as well, in one block.
    const failed = unary(newClient(), 'Reflect', Buffer.from('why'), metadata);
    const error = (await failed.catch((caught: unknown) => caught)) as grpc.ServiceError;
    expect(error).toMatchObject({ code: grpc.status.ABORTED, details: 'why' });
    expect(error.metadata.get('x-tail-bin')).toEqual([Buffer.from([1])]);
  });

  it.each([
    ['/test.Echo/Nope', 'unknown method Nope for service test.Echo'],
    ['/test.None/Unary', 'unknown service test.None'],
    ['/nonsense', 'malformed method name: "/nonsense"'],
  ])('is told that %s is not implemented', async (path, details) => {
    const call = unary(newClient(), path, Buffer.alloc(100_000));
    await expect(call).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED, details });
  });

  it.each(['Never', 'Hang'])('is answered when its deadline has passed on %s', async (method) => {
    const { abortReasons } = server.echo;
    const before = abortReasons.length;
    const deadline = Date.now() + 50;
    const call = unary(newClient(), method, Buffer.alloc(0), new grpc.Metadata(), { deadline });
    await expect(call).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
    await eventually('the abort', () => abortReasons.length > before);
    // Each side has a clock of its own, and the first to notice ends the call.
    expect(['deadline', 'cancelled']).toContain(abortReasons.at(-1));
  });

  it('cancels a call, and the handler learns of it', async () => {
    const { pending, abortReasons } = server.echo;
    const seen = pending.length;
    const before = abortReasons.length;
    const none = Buffer.alloc(0);
    const path = '/test.Echo/Never';
    const call = newClient().makeUnaryRequest(
      path,
      same,
      same,
      none,
      new grpc.Metadata(),
      () => {},
    );
    await eventually('the call', () => pending.length > seen);
    call.cancel();
    await eventually('the abort', () => abortReasons.length > before);
    expect(abortReasons.at(-1)).toBe('cancelled');
    expect(pending.at(-1)?.aborted).toBe(true);
  });

  it('streams both ways, with more than the windows hold', async () => {
    const call = newClient().makeBidiStreamRequest('/test.Echo/Stream', same, same);
    const messages = Array.from({ length: 300 }, (_, i) => Buffer.alloc(i * 100, i));
    for (const message of messages) call.write(message);
    call.end();
    const { status, messages: echoed } = await received(call);
    expect(status.code).toBe(grpc.status.OK);
    expect(echoed.map((message) => message.length)).toEqual(messages.map((m) => m.length));
    expect(Buffer.concat([...echoed]).equals(Buffer.concat(messages))).toBe(true);
  });

  it('gets a stream of answers', async () => {
    const question = Buffer.from('200 10000');
    const call = newClient().makeServerStreamRequest('/test.Echo/Repeat', same, same, question);
    const { status, messages } = await received(call);
    expect(status.code).toBe(grpc.status.OK);
    expect(messages.length).toBe(200);
    expect(messages.every((one, i) => one.equals(Buffer.alloc(10_000, i)))).toBe(true);
  });

  it('sends a stream of questions', async () => {
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      const path = '/test.Echo/Collect';
      const call = newClient().makeClientStreamRequest(path, same, same, (error, answer) => {
        if (error !== null) reject(error);
        else resolve(answer);
      });
      for (let i = 0; i < 50; i++) call.write(Buffer.alloc(20_000));
      call.end();
    });
    expect(String(reply)).toBe('50 messages, 1000000 bytes');
  });

  it('gets the messages before an error, and then the error', async () => {
    const call = newClient().makeBidiStreamRequest('/test.Echo/FailLate', same, same);
    call.write(Buffer.from('one'));
    call.write(Buffer.from('two'));
    call.end();
    const { messages, status } = await received(call);
    expect(messages.map(String)).toEqual(['one', 'two']);
    expect(status).toMatchObject({ code: grpc.status.DATA_LOSS, details: 'lost it, späte' });
    expect(status.metadata.get('grpc-status-details-bin')).toEqual([Buffer.from([3, 2, 1])]);
  });

  it('sends gzip and gets gzip', async () => {
    const client = newClient({ 'grpc.default_compression_algorithm': 2 });
    const request = Buffer.alloc(100_000, 'compress me ');
    expect((await unary(client, 'Unary', request)).equals(request)).toBe(true);
  });

  it('goes elsewhere when the server drains, and no call is lost', async () => {
    using leaving = await EchoServer.listen();
    const client = newClient({}, leaving.address);
    const running = client.makeBidiStreamRequest('/test.Echo/Stream', same, same);
    const all = received(running);
    running.write(Buffer.from('before'));
    await eventually('the echo', () => leaving.grpc.connectionCount === 1);
    await unary(client, 'Unary', Buffer.alloc(1));
    const drained = leaving.grpc.drain();
    running.write(Buffer.from('after'));
    running.end();
    const { messages, status } = await all;
    expect(messages.map(String)).toEqual(['before', 'after']);
    expect(status.code).toBe(grpc.status.OK);
    await drained;
    await expect(unary(client, 'Unary', Buffer.alloc(1))).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    });
  });

  it('calls on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-grpc-js-'));
    const path = join(folder, 'echo.sock');
    using local = await EchoServer.listen({ path });
    const client = newClient({}, `unix:${path}`);
    expect(String(await unary(client, 'Unary', Buffer.from('here')))).toBe('here');
    expect(local.errors).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it.skipIf(openssl === undefined)('calls over TLS, whose ALPN says h2', async () => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    const credentials = grpc.credentials.createSsl(Buffer.from(certificate.cert));
    const client = new grpc.Client(`localhost:${secure.port}`, credentials);
    const large = Buffer.alloc(1024 * 1024, 'tls ');
    expect((await unary(client, 'Unary', large)).equals(large)).toBe(true);
    client.close();
    expect(secure.errors).toEqual([]);
  });
});
