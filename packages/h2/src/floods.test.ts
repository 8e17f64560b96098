import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from './frames.ts';
import type { Limits } from './limits.ts';
import { settingsPayload } from './settings.ts';
import type { FramePeer } from './testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from './testing/server-harness.ts';

/* Known abuses: each must end with GOAWAY long before it costs anything. */

const resetPayload = Buffer.from([0, 0, 0, 8]);

interface Flood {
  readonly name: string;
  /** Sends the i-th piece of it. */
  readonly act: (peer: FramePeer, i: number) => void;
  readonly limits?: Partial<Limits>;
}

const floods: readonly Flood[] = [
  {
    name: 'rapid reset: streams opened and cancelled at once',
    act: (peer, i) => {
      peer.sendHeaders(2 * i + 1, callFields('Never'), Flag.endStream);
      peer.send(FrameType.rstStream, 0, 2 * i + 1, resetPayload);
    },
  },
  {
    name: 'streams that we are made to reset, by a zero WINDOW_UPDATE',
    act: (peer, i) => {
      peer.sendHeaders(2 * i + 1, callFields('Never'));
      peer.send(FrameType.windowUpdate, 0, 2 * i + 1, Buffer.alloc(4));
    },
  },
  {
    name: 'malformed requests',
    act: (peer, i) => peer.sendHeaders(2 * i + 1, [[':method', 'GET']]),
  },
  {
    name: 'streams over the limit',
    act: (peer, i) => peer.sendHeaders(2 * i + 1, callFields('Stream')),
    limits: { maxConcurrentStreams: 10 },
  },
  { name: 'SETTINGS', act: (peer) => peer.send(FrameType.settings, 0, 0, []) },
  {
    name: 'SETTINGS that change the windows of many streams',
    act: (peer, i) => {
      if (i < 200) peer.sendHeaders(2 * i + 1, callFields('Stream'));
      else peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, i]]));
    },
    limits: { idleFrameBurst: 1000 },
  },
  {
    name: 'windows that are opened byte by byte',
    act: (peer, i) => {
      if (i === 0) {
        peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, 0]]));
        peer.sendHeaders(1, callFields('Stream'));
        peer.send(FrameType.data, 0, 1, framed(Buffer.alloc(1000)));
      }
      peer.send(FrameType.windowUpdate, 0, 1, [0, 0, 0, 1]);
    },
  },
  {
    name: 'header lists over the limit',
    act: (peer, i) => peer.sendHeaders(2 * i + 1, [['x', 'y'.repeat(3000)]], Flag.endStream),
    limits: { maxHeaderListBytes: 2000 },
  },
  {
    name: 'a header block that unpacks to thousands of times its size',
    act: (peer, i) => {
      if (i > 0) return;
      const block = Buffer.alloc(16_000, 0x80 | 62);
      Buffer.from([0x40, 1, 0x78, 0x64]).copy(block);
      peer.send(FrameType.headers, Flag.endHeaders, 1, block);
    },
  },
  {
    name: 'acknowledgements of SETTINGS',
    act: (peer) => peer.send(FrameType.settings, Flag.ack, 0, []),
  },
  {
    name: 'PING',
    act: (peer) => peer.send(FrameType.ping, 0, 0, Buffer.alloc(8)),
    limits: { pingMinIntervalMs: 0, pingWithoutStreams: true },
  },
  {
    name: 'acknowledgements of PING',
    act: (peer) => peer.send(FrameType.ping, Flag.ack, 0, Buffer.alloc(8)),
  },
  { name: 'PRIORITY', act: (peer) => peer.send(FrameType.priority, 0, 1, Buffer.alloc(5)) },
  { name: 'unknown frames', act: (peer) => peer.send(0xbe, 0, 0, []) },
  { name: 'GOAWAY', act: (peer) => peer.send(FrameType.goaway, 0, 0, Buffer.alloc(8)) },
  {
    name: 'empty DATA',
    act: (peer, i) => {
      if (i === 0) peer.sendHeaders(1, callFields('Stream'));
      peer.send(FrameType.data, 0, 1, []);
    },
  },
  {
    name: 'DATA of padding alone',
    act: (peer, i) => {
      if (i === 0) peer.sendHeaders(1, callFields('Stream'));
      peer.send(FrameType.data, Flag.padded, 1, [2, 0, 0]);
    },
  },
  {
    name: 'RST_STREAM of a closed stream',
    act: (peer, i) => {
      if (i === 0) peer.sendHeaders(1, callFields('Stream'));
      peer.send(FrameType.rstStream, 0, 1, resetPayload);
    },
  },
  {
    name: 'CONTINUATION without end',
    act: (peer, i) => {
      const type = i === 0 ? FrameType.headers : FrameType.continuation;
      peer.send(type, 0, 1, []);
    },
  },
  {
    name: 'a header block without end',
    act: (peer, i) => {
      const type = i === 0 ? FrameType.headers : FrameType.continuation;
      peer.send(type, 0, 1, Buffer.alloc(16_000, 0x82));
    },
  },
];

describe('a flood is cut off', () => {
  it.each(floods)('of $name', async ({ act, limits = {} }) => {
    const harness = new ServerHarness({
      limits: { resetBurst: 100, idleFrameBurst: 100, ...limits },
    });
    harness.peer.greet();
    for (let i = 0; i < 300; i++) act(harness.peer, i);
    expect((await harness.goaway())?.code).toBe(ErrorCode.enhanceYourCalm);
    await harness.peer.ended();
    expect(harness.errors.map((error) => error.code)).toEqual(['limit']);
    expect(harness.connection.activeStreams).toBe(0);
  });

  it('but the same, spread over time, is not', async () => {
    const harness = new ServerHarness({
      limits: { idleFrameBurst: 10, idleFramesPerSecond: 5, resetBurst: 10, resetsPerSecond: 5 },
    });
    const { peer, clock } = harness;
    peer.greet();
    await peer.find((frame) => frame.type === FrameType.settings && frame.flags === Flag.ack);
    for (let i = 0; i < 40; i++) {
      clock.advance(500);
      peer.send(0xbe, 0, 0, []);
      peer.sendHeaders(2 * i + 1, callFields('Never'));
      peer.send(FrameType.rstStream, 0, 2 * i + 1, resetPayload);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await harness.canCall(1001)).toBe(true);
  });
});

describe('PINGs', () => {
  it('that come too often end the connection with too_many_pings', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Never'));
    for (let i = 0; i < 4; i++) harness.peer.send(FrameType.ping, 0, 0, Buffer.alloc(8, i));
    expect(await harness.goaway()).toEqual({
      code: ErrorCode.enhanceYourCalm,
      text: 'too_many_pings',
    });
  });

  it('are welcome at their interval while a stream is open', async () => {
    const harness = new ServerHarness();
    const { peer, clock } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Never'));
    peer.send(FrameType.data, Flag.endStream, 1, framed('x'));
    await peer.roundTrip(0);
    for (let i = 1; i < 20; i++) {
      clock.advance(5000);
      await peer.roundTrip(i);
    }
    expect(harness.errors).toEqual([]);
  });

  it('are not welcome at that interval without a stream', async () => {
    const harness = new ServerHarness();
    const { peer, clock } = harness;
    peer.greet();
    for (let i = 1; i <= 3; i++) {
      clock.advance(5000);
      await peer.roundTrip(i);
    }
    clock.advance(5000);
    peer.send(FrameType.ping, 0, 0, Buffer.alloc(8));
    expect((await harness.goaway())?.text).toBe('too_many_pings');
  });

  it('are free after an answer', async () => {
    const harness = new ServerHarness({ limits: { idleFrameBurst: 10, idleFramesPerSecond: 0 } });
    harness.peer.greet();
    // As clients of grpc-go do, which measure the line whenever data has come.
    for (let i = 1; i < 500; i++) {
      expect(await harness.canCall(2 * i - 1)).toBe(true);
      await harness.peer.roundTrip(i);
    }
    expect(harness.errors).toEqual([]);
  });
});

describe('limits of one request', () => {
  it('a stream over the limit is refused, which is safe to retry', async () => {
    const harness = new ServerHarness({ limits: { maxConcurrentStreams: 2 } });
    harness.peer.greet();
    for (const id of [1, 3, 5]) harness.peer.sendHeaders(id, callFields('Stream'));
    expect(await harness.reset(5)).toBe(ErrorCode.refusedStream);
    harness.peer.send(FrameType.data, Flag.endStream, 1, []);
    await harness.end(1);
    expect(await harness.canCall(7)).toBe(true);
  });

  it('a header list over the limit is answered with 431', async () => {
    const harness = new ServerHarness({ limits: { maxHeaderListBytes: 1000 } });
    harness.peer.greet();
    harness.peer.sendHeaders(1, [...callFields(), ['x', 'y'.repeat(900)]], Flag.endStream);
    const frame = await harness.end(1);
    expect(frame && harness.peer.decode(frame).get(':status')).toBe('431');
    expect(await harness.canCall(3)).toBe(true);
  });

  it('unfinished messages of one connection share a limit', async () => {
    const harness = new ServerHarness({ limits: { maxReceiveBufferBytes: 50_000 } });
    const { peer } = harness;
    peer.greet();
    const half = framed(Buffer.alloc(20_000)).subarray(0, 15_000);
    for (const id of [1, 3, 5]) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, 0, id, half);
    }
    const frame = await harness.end(5);
    expect(frame && peer.decode(frame).get('grpc-status')).toBe('8');
    // What the others hold is given back when they end.
    for (const id of [1, 3]) peer.send(FrameType.rstStream, 0, id, resetPayload);
    peer.sendHeaders(7, callFields());
    peer.send(FrameType.data, 0, 7, half);
    peer.send(FrameType.data, Flag.endStream, 7, Buffer.alloc(5005));
    const answer = await harness.end(7);
    expect(answer && peer.decode(answer).get('grpc-status')).toBe('0');
  });

  it('messages that wait for the end of their request are counted as unfinished', async () => {
    const harness = new ServerHarness({ limits: { maxReceiveBufferBytes: 40_000 } });
    const { peer, clock } = harness;
    peer.greet();
    for (const id of [1, 3, 5]) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, 0, id, framed(Buffer.alloc(15_000)));
    }
    await peer.roundTrip(1);
    clock.advance(1000);
    const frame = await harness.end(5);
    expect(frame && peer.decode(frame).get('grpc-status')).toBe('8');
    expect(harness.connection.activeStreams).toBe(2);
  });

  it('memory grows with the bytes that come, not with those that are promised', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet();
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 1; id < 1000; id += 2) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, 0, id, [0, 0, 0x1f, 0xff, 0xff, 1]);
    }
    await peer.roundTrip(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('time', () => {
  it.each<[string, (harness: ServerHarness) => void | Promise<void>]>([
    ['a connection that says nothing', () => {}],
    ['a preface without SETTINGS', ({ peer }) => peer.write(Buffer.from('PRI * HTTP/2.0\r\n'))],
    [
      'a header block without end',
      async ({ peer }) => {
        peer.greet();
        await peer.roundTrip(1);
        peer.send(FrameType.headers, 0, 1, peer.encode(callFields()));
        await new Promise((resolve) => setImmediate(resolve));
      },
    ],
  ])('%s is closed after ten seconds', async (_name, act) => {
    const harness = new ServerHarness();
    await act(harness);
    harness.clock.advance(9000);
    expect(harness.errors).toEqual([]);
    harness.clock.advance(2000);
    expect(harness.errors.map((error) => error.code)).toEqual(['timeout']);
    harness.clock.advance(5000);
    await harness.peer.ended();
    expect(harness.server.connectionCount).toBe(0);
    expect(harness.clock.timerCount).toBe(0);
  });

  it('a request that stops halfway is answered after a minute', async () => {
    const harness = new ServerHarness();
    const { peer, clock } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, 0, 1, framed('cut off').subarray(0, 7));
    await peer.roundTrip(1);
    clock.advance(59_000);
    expect(harness.connection.activeStreams).toBe(1);
    clock.advance(2000);
    const frame = await harness.end(1);
    expect(frame && peer.decode(frame).get('grpc-status')).toBe('4');
  });

  it('a request that comes byte by byte is answered after a minute all the same', async () => {
    const harness = new ServerHarness();
    const { peer, clock } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, 0, 1, framed(Buffer.alloc(1000)).subarray(0, 7));
    peer.sendHeaders(3, callFields());
    peer.send(FrameType.data, 0, 3, framed(Buffer.alloc(200_000)).subarray(0, 7));
    await peer.roundTrip(1);
    for (let i = 1; i < 7; i++) {
      clock.advance(10_000);
      peer.send(FrameType.data, 0, 1, [0]);
      peer.send(FrameType.data, 0, 3, Buffer.alloc(12_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(1000);
    const frame = await harness.end(1);
    expect(frame && peer.decode(frame).get('grpc-status')).toBe('4');
    // The other is as fast as an old modem, which is enough.
    expect(harness.connection.activeStreams).toBe(1);
  });

  it('a silent peer is asked for a sign of life, and closed without one', async () => {
    const harness = new ServerHarness({ limits: { keepaliveIntervalMs: 30_000 } });
    const { peer, clock } = harness;
    peer.greet();
    const isPing = (frame: { type: number; flags: number }) =>
      frame.type === FrameType.ping && frame.flags === 0;
    await peer.find((frame) => frame.type === FrameType.settings && frame.flags === Flag.ack);
    clock.advance(31_000);
    const ping = await peer.find(isPing);
    peer.send(FrameType.ping, Flag.ack, 0, ping?.payload);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(31_000);
    expect(harness.errors).toEqual([]);
    clock.advance(21_000);
    expect(harness.errors.map((error) => error.code)).toEqual(['timeout']);
  });

  it('an idle connection is sent away when asked for', async () => {
    const harness = new ServerHarness({ limits: { idleTimeoutMs: 5000 } });
    const { peer, clock } = harness;
    peer.greet();
    await peer.roundTrip(1);
    clock.advance(6000);
    expect(await peer.find(({ type }) => type === FrameType.goaway)).toBeDefined();
    clock.advance(3000);
    clock.advance(3000);
    await peer.ended();
    expect(harness.errors).toEqual([]);
  });

  it('settings that change thousands of times in one frame are applied once', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet();
    for (let id = 1; id < 1800; id += 2) peer.sendHeaders(id, callFields('Stream'));
    const entries = Array.from({ length: 2700 }, (_, i): [number, number] => [
      SettingId.initialWindowSize,
      i % 2 === 0 ? 0 : 1_000_000,
    ]);
    for (let i = 0; i < 50; i++) peer.send(FrameType.settings, 0, 0, settingsPayload(entries));
    expect(await harness.canCall(2001)).toBe(true);
  });
});
