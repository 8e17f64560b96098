import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { clientPreface, ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { nodeClock } from '../node-clock.ts';
import { settingsPayload } from '../settings.ts';
import { EchoService } from '../testing/echo-service.ts';
import { FramePeer } from '../testing/frame-peer.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { memoryDuplexPair } from '../testing/memory-duplex.ts';
import { framed } from '../testing/server-harness.ts';
import type { CallError, CallStatus } from './call-status.ts';
import { GrpcClient } from './client.ts';
import type { ClientReceiver, ClientState, GrpcClientOptions } from './client-types.ts';
import { GrpcServer } from './server.ts';
import { Status } from './status.ts';

const path = '/test.Echo/Unary';

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client and a server in one process, on a clock that stands still. */
class ClientHarness {
  readonly clock = new ManualClock();
  readonly echo = new EchoService();
  readonly states: ClientState[] = [];
  readonly server: GrpcServer;
  readonly client: GrpcClient;
  /** Set: the next attempts to connect fail so. */
  dialError: Error | undefined = undefined;
  dials = 0;
  lastStream: Duplex | undefined = undefined;

  constructor(
    options: Partial<GrpcClientOptions> = {},
    accept?: (stream: Duplex) => void,
    maxConcurrentStreams = 1000,
  ) {
    this.server = new GrpcServer({
      methods: this.echo.methods,
      clock: this.clock,
      limits: { maxConcurrentStreams },
    });
    this.client = new GrpcClient({
      dial: async () => {
        this.dials += 1;
        if (this.dialError !== undefined) throw this.dialError;
        const [near, far] = memoryDuplexPair();
        this.lastStream = near;
        if (accept === undefined) this.server.accept(near);
        else accept(near);
        return far;
      },
      authority: 'test',
      clock: this.clock,
      random: () => 0.5,
      onStateChange: (state) => this.states.push(state),
      ...options,
    });
  }
}

async function failure(call: Promise<unknown>): Promise<CallStatus> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught as CallError,
  );
  expect(error?.code).toBe('status');
  return (error as CallError).callStatus;
}

interface Recorded {
  readonly receiver: ClientReceiver;
  readonly messages: Uint8Array[];
  readonly ended: Promise<CallStatus>;
}

function record(): Recorded {
  const messages: Uint8Array[] = [];
  let end: (status: CallStatus) => void = () => {};
  const ended = new Promise<CallStatus>((resolve) => {
    end = resolve;
  });
  const receiver: ClientReceiver = {
    onMessage: (message) => messages.push(message),
    onEnd: (status) => end(status),
  };
  return { receiver, messages, ended };
}

describe('a client', () => {
  it('makes unary calls, many at once, on one connection', async () => {
    const { client, ...harness } = new ClientHarness();
    const calls = Array.from({ length: 3000 }, (_, i) => client.unary(path, Buffer.from(`${i}`)));
    const replies = await Promise.all(calls);
    expect(replies.map((reply) => Buffer.from(reply).toString())).toEqual(
      calls.map((_, i) => `${i}`),
    );
    expect(harness.states).toEqual(['connecting', 'ready']);
  });

  it('sends and gets messages larger than the windows', async () => {
    const { client } = new ClientHarness();
    const large = Buffer.alloc(2 * 1024 * 1024, 'x');
    const replies = await Promise.all([client.unary(path, large), client.unary(path, large)]);
    for (const reply of replies) expect(Buffer.compare(reply, large)).toBe(0);
  });

  it('tells status, message and details of an error', async () => {
    const { client } = new ClientHarness();
    const status = await failure(client.unary('/test.Echo/Fail', Buffer.from('50 % größer')));
    expect(status).toMatchObject({ status: Status.outOfRange, message: '50 % größer' });
    expect([...(status.details ?? [])]).toEqual([1, 2, 255]);
    expect(status.isUnprocessed).toBe(false);
  });

  it('sends metadata and the deadline', async () => {
    const { client } = new ClientHarness();
    const options = {
      timeoutMs: 1500,
      metadata: [
        ['Token', 'abc'],
        ['many', 'a'],
        ['many', 'b'],
        ['data-bin', 'AAH+'],
      ] as [string, string][],
    };
    for (let i = 0; i < 3; i++) {
      const reply = await client.unary('/test.Echo/Metadata', Buffer.alloc(0), options);
      expect(JSON.parse(Buffer.from(reply).toString())).toMatchObject({
        token: 'abc',
        all: ['a', 'b'],
        bin: [0, 1, 254],
        hasDeadline: true,
      });
    }
  });

  it('ends a call at its deadline, and resets the stream', async () => {
    const harness = new ClientHarness();
    const call = failure(
      harness.client.unary('/test.Echo/Never', Buffer.alloc(0), { timeoutMs: 100 }),
    );
    await settle();
    harness.clock.advance(120);
    expect((await call).status).toBe(Status.deadlineExceeded);
    await settle();
    expect(harness.echo.abortReasons.length).toBe(1);
  });

  it('cancels a call by its signal', async () => {
    const harness = new ClientHarness();
    const controller = new AbortController();
    const call = failure(
      harness.client.unary('/test.Echo/Never', Buffer.alloc(0), { signal: controller.signal }),
    );
    await settle();
    controller.abort();
    expect((await call).status).toBe(Status.cancelled);
    await settle();
    expect(harness.echo.abortReasons).toEqual(['cancelled']);
    const late = await failure(
      harness.client.unary(path, Buffer.alloc(0), { signal: controller.signal }),
    );
    expect(late).toMatchObject({ status: Status.cancelled, isUnprocessed: true });
  });

  it('has calls wait for the server to have room', async () => {
    const harness = new ClientHarness({}, undefined, 2);
    const calls = Array.from({ length: 20 }, (_, i) =>
      harness.client.unary(path, Buffer.from([i])),
    );
    expect((await Promise.all(calls)).map((reply) => reply[0])).toEqual(calls.map((_, i) => i));
  });

  it('ends everything when it is closed', async () => {
    const { client, ...harness } = new ClientHarness();
    const call = failure(client.unary('/test.Echo/Never', Buffer.alloc(0)));
    await settle();
    client.close();
    expect((await call).status).toBe(Status.unavailable);
    expect((await failure(client.unary(path, Buffer.alloc(0)))).status).toBe(Status.cancelled);
    await settle();
    harness.server.close();
    await settle();
    expect(harness.clock.timerCount).toBe(0);
  });
});

describe('a streaming call', () => {
  it('carries messages both ways, the first before there is a connection', async () => {
    const { client } = new ClientHarness();
    const { receiver, messages, ended } = record();
    const call = client.stream('/test.Echo/Stream', receiver);
    for (let i = 0; i < 50; i++) call.send(Buffer.alloc(i * 1000, i));
    call.halfClose();
    expect((await ended).status).toBe(Status.ok);
    expect(messages.map((message) => message.length)).toEqual(
      Array.from({ length: 50 }, (_, i) => i * 1000),
    );
  });

  it('holds the server back while it is paused, and gets its status last', async () => {
    const { client } = new ClientHarness({ limits: { streamWindowBytes: 70_000 } });
    const messages: number[] = [];
    let status: CallStatus | undefined;
    const call = client.stream('/test.Echo/Stream', {
      onMessage: (message) => {
        messages.push(message[0] ?? -1);
        if (messages.length === 1) call.pause();
      },
      onEnd: (ended) => {
        status = ended;
      },
    });
    for (let i = 0; i < 30; i++) call.send(Buffer.alloc(10_000, i));
    call.halfClose();
    await settle();
    expect(messages).toEqual([0]);
    expect(status).toBeUndefined();
    call.resume();
    await settle();
    expect(messages).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(status?.status).toBe(Status.ok);
  });

  it('says when to stop sending, and when to go on', async () => {
    const { client } = new ClientHarness();
    let drained = 0;
    const call = client.stream('/test.Echo/Never', {
      onMessage: () => {},
      onDrain: () => {
        drained += 1;
      },
      onEnd: () => {},
    });
    let sent = 0;
    while (call.send(Buffer.alloc(10_000)) && sent < 1000) sent += 1;
    expect(sent).toBeLessThan(100);
    await settle();
    expect(drained).toBe(1);
  });

  it('can be cancelled', async () => {
    const { client, ...harness } = new ClientHarness();
    const { receiver, ended } = record();
    const call = client.stream('/test.Echo/Stream', receiver);
    call.send(Buffer.from('x'));
    await settle();
    call.cancel();
    expect((await ended).status).toBe(Status.cancelled);
    await settle();
    expect(harness.echo.abortReasons).toEqual(['cancelled']);
  });
});

describe('a lost connection', () => {
  it('fails what ran on it, and the next call makes another', async () => {
    const harness = new ClientHarness();
    const { client } = harness;
    const call = failure(client.unary('/test.Echo/Never', Buffer.alloc(0)));
    await settle();
    harness.lastStream?.destroy();
    expect(await call).toMatchObject({ status: Status.unavailable, isUnprocessed: false });
    expect(Buffer.from(await client.unary(path, Buffer.from('again'))).toString()).toBe('again');
    expect(harness.states).toEqual(['connecting', 'ready', 'idle', 'connecting', 'ready']);
  });

  it('is tried again after waits that grow', async () => {
    const harness = new ClientHarness();
    const { client, clock } = harness;
    harness.dialError = new Error('refused');
    const patient = client.unary(path, Buffer.from('p'), { waitForReady: true });
    expect(await failure(client.unary(path, Buffer.alloc(0)))).toMatchObject({
      status: Status.unavailable,
      message: 'cannot connect: refused',
      isUnprocessed: true,
    });
    // While it waits, calls fail at once.
    expect((await failure(client.unary(path, Buffer.alloc(0)))).isUnprocessed).toBe(true);
    for (const waitMs of [1000, 1600, 2560]) {
      const before = harness.dials;
      clock.advance(waitMs - 1);
      expect(harness.dials).toBe(before);
      clock.advance(1);
      await settle();
      expect(harness.dials).toBe(before + 1);
    }
    harness.dialError = undefined;
    clock.advance(5000);
    expect(Buffer.from(await patient).toString()).toBe('p');
    expect(client.state).toBe('ready');
  });

  it('is noticed by keep-alive while calls run', async () => {
    const harness = new ClientHarness(
      { limits: { keepaliveIntervalMs: 10_000, keepaliveTimeoutMs: 5000 } },
      (stream) => {
        const peer = new FramePeer(stream, clientPreface.length);
        peer.send(FrameType.settings, 0, 0, []);
      },
    );
    const call = failure(harness.client.unary(path, Buffer.alloc(0)));
    await settle();
    harness.clock.advance(14_000);
    await settle();
    harness.clock.advance(3000);
    expect((await call).status).toBe(Status.unavailable);
  });

  it('is noticed sooner when it is asked for a sign of life, which a live one survives', async () => {
    const peers: FramePeer[] = [];
    const open = () =>
      new ClientHarness({}, (stream) => {
        const peer = new FramePeer(stream, clientPreface.length);
        peer.send(FrameType.settings, 0, 0, []);
        peers.push(peer);
      });
    const both = [open(), open()] as const;
    const calls = both.map(({ client }) => failure(client.unary(path, Buffer.alloc(0))));
    await settle();
    for (const { client, clock } of both) {
      clock.advance(2000);
      client.probe(3000);
      client.probe(3000);
    }
    await settle();
    const pings = peers.map(({ frames }) => frames.filter(({ type }) => type === FrameType.ping));
    expect(pings.map(({ length }) => length)).toEqual([1, 1]);
    peers[0]?.send(FrameType.ping, 1, 0, pings[0]?.[0]?.payload);
    for (const { clock } of both) {
      clock.advance(2000);
      await settle();
      clock.advance(2000);
      await settle();
    }
    expect(both.map(({ client }) => client.state)).toEqual(['ready', 'idle']);
    expect(await calls[1]).toMatchObject({ status: Status.unavailable, isUnprocessed: false });
    both[0].client.close();
    await calls[0];
  });

  it('by GOAWAY lets calls finish, and new ones go elsewhere', async () => {
    const harness = new ClientHarness();
    const { client } = harness;
    const call = client.unary('/test.Echo/Never', Buffer.alloc(0));
    await settle();
    const [accepted] = harness.echo.pending;
    void accepted?.connection?.drain();
    await settle();
    expect(Buffer.from(await client.unary(path, Buffer.from('new'))).toString()).toBe('new');
    expect(harness.dials).toBe(2);
    accepted?.reply(Buffer.from('old'));
    expect(Buffer.from(await call).toString()).toBe('old');
  });
});

/** A client facing a server that sends exactly these frames once a request has come. */
async function against(act: (peer: FramePeer) => void): Promise<CallStatus> {
  const harness = new ClientHarness({}, (stream) => {
    const peer = new FramePeer(stream, clientPreface.length);
    peer.send(FrameType.settings, 0, 0, []);
    void peer.find(({ type }) => type === FrameType.data).then(() => act(peer));
  });
  const status = await failure(harness.client.unary(path, Buffer.from('x')));
  harness.client.close();
  return status;
}

const ok: [string, string][] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const uint32 = (value: number): number[] => [value >>> 24, value >>> 16, value >>> 8, value];
const goaway = (last: number): number[] => [...uint32(last), ...uint32(0)];

describe('a server that misbehaves', () => {
  it('is told apart when it speaks HTTP/1, as those that want TLS do', async () => {
    const { client } = new ClientHarness({}, (stream) => {
      stream.write('HTTP/1.0 400 Bad Request\r\n\r\n');
    });
    expect(await failure(client.unary(path, Buffer.alloc(0)))).toMatchObject({
      status: Status.unavailable,
      message: 'cannot connect: an answer in HTTP/1; the address may want TLS',
    });
  });

  it.each<[string, number, boolean, (peer: FramePeer) => void]>([
    [
      'cancels the stream',
      Status.cancelled,
      false,
      (peer) => peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel)),
    ],
    [
      'goes away while it works on the call, and hangs up',
      Status.unavailable,
      false,
      (peer) => {
        peer.send(FrameType.goaway, 0, 0, goaway(1));
        peer.hangUp();
      },
    ],
    [
      'answers with plain HTTP',
      Status.unavailable,
      false,
      (peer) => peer.sendHeaders(1, [[':status', '503']], Flag.endStream),
    ],
    [
      'answers with a web page',
      Status.unknown,
      false,
      (peer) => peer.sendHeaders(1, [[':status', '200']]),
    ],
    ['sends no status', Status.unknown, false, (peer) => peer.sendHeaders(1, ok, Flag.endStream)],
    [
      'ends with DATA instead of trailers',
      Status.internal,
      false,
      (peer) => {
        peer.sendHeaders(1, ok);
        peer.send(FrameType.data, Flag.endStream, 1, framed('x'));
      },
    ],
    [
      'sends OK without a message',
      Status.internal,
      false,
      (peer) => peer.sendHeaders(1, [...ok, ['grpc-status', '0']], Flag.endStream),
    ],
    [
      'sends two messages',
      Status.internal,
      false,
      (peer) => {
        peer.sendHeaders(1, ok);
        peer.send(FrameType.data, 0, 1, framed('x'));
        peer.send(FrameType.data, 0, 1, framed('y'));
      },
    ],
    [
      'cuts the message',
      Status.internal,
      false,
      (peer) => {
        peer.sendHeaders(1, ok);
        peer.send(FrameType.data, 0, 1, framed('xyz').subarray(0, 7));
        peer.sendHeaders(1, [['grpc-status', '0']], Flag.endStream);
      },
    ],
    [
      'sends too large a message',
      Status.resourceExhausted,
      false,
      (peer) => {
        peer.sendHeaders(1, ok);
        peer.send(FrameType.data, 0, 1, [0, 0x10, 0, 0, 0]);
      },
    ],
    [
      'compresses without being asked',
      Status.internal,
      false,
      (peer) => {
        peer.sendHeaders(1, ok);
        peer.send(FrameType.data, 0, 1, framed('x', 1));
      },
    ],
    ['has no :status', Status.internal, false, (peer) => peer.sendHeaders(1, ok.slice(1))],
    [
      'sends a pseudo-header field of requests',
      Status.internal,
      false,
      (peer) => peer.sendHeaders(1, [[':path', '/'], ...ok]),
    ],
    [
      'pushes',
      Status.unavailable,
      false,
      (peer) => peer.send(FrameType.pushPromise, Flag.endHeaders, 1, uint32(2)),
    ],
    [
      'enables push',
      Status.unavailable,
      false,
      (peer) => peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.enablePush, 1]])),
    ],
    ['opens a stream', Status.unavailable, false, (peer) => peer.sendHeaders(2, ok)],
    [
      'answers a stream that does not exist',
      Status.unavailable,
      false,
      (peer) => peer.sendHeaders(7, ok),
    ],
  ])('%s: the call ends with status %i', async (_name, status, isUnprocessed, act) => {
    expect(await against(act)).toMatchObject({ status, isUnprocessed });
  });

  it('may send informational responses first', async () => {
    const harness = new ClientHarness({}, (stream) => {
      const peer = new FramePeer(stream, clientPreface.length);
      peer.send(FrameType.settings, 0, 0, []);
      void peer
        .find(({ type }) => type === FrameType.data)
        .then(() => {
          peer.sendHeaders(1, [[':status', '103']]);
          peer.sendHeaders(1, ok);
          peer.send(FrameType.data, 0, 1, framed('yes'));
          peer.sendHeaders(1, [['grpc-status', '0']], Flag.endStream);
        });
    });
    const reply = await harness.client.unary(path, Buffer.from('x'));
    expect(Buffer.from(reply).toString()).toBe('yes');
  });
});

describe('a server of node:http2', () => {
  it('understands the client, over a real socket', async () => {
    const server = http2.createServer();
    server.on('stream', (stream: http2.ServerHttp2Stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat(chunks));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = new GrpcClient({
      dial: async () => net.connect(port, '127.0.0.1'),
      authority: `127.0.0.1:${port}`,
      clock: nodeClock,
      random: () => 0.5,
    });
    const requests = [0, 1, 1000, 100_000, 1_000_000].map((size) => Buffer.alloc(size, 'a'));
    const replies = await Promise.all(
      requests.map((request) => client.unary(path, request, { timeoutMs: 30_000 })),
    );
    expect(replies.map((reply) => reply.length)).toEqual(requests.map(({ length }) => length));
    client.close();
    server.close();
  });
});
