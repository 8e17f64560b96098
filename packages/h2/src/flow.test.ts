import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from './frames.ts';
import type { GrpcMethod, StreamCall, UnaryCall } from './grpc/types.ts';
import { settingsPayload } from './settings.ts';
import type { RawFrame } from './testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from './testing/server-harness.ts';

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function dataBytes(frames: readonly RawFrame[], streamId?: number): number {
  return frames
    .filter(({ type, streamId: id }) => type === FrameType.data && (streamId ?? id) === id)
    .reduce((sum, { payload }) => sum + payload.length, 0);
}

/** Lets what is under way arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('what the server sends', () => {
  it('keeps to the stream window, and goes on when it opens', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 10]]));
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, Flag.endStream, 1, framed('0123456789'));
    await peer.roundTrip(1);
    expect(dataBytes(peer.frames)).toBe(10);
    peer.send(FrameType.windowUpdate, 0, 1, uint32(2));
    await peer.roundTrip(2);
    expect(dataBytes(peer.frames)).toBe(12);
    peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, 100]]));
    await harness.end(1);
    const body = peer.frames.filter(({ type }) => type === FrameType.data);
    expect(Buffer.concat(body.map(({ payload }) => payload)).equals(framed('0123456789'))).toBe(
      true,
    );
  });

  it('acknowledges SETTINGS before it makes use of them', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 10]]));
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, Flag.endStream, 1, framed(Buffer.alloc(12_000)));
    await peer.roundTrip(1);
    const seen = peer.frames.length;
    peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, 50_000]]));
    await harness.end(1);
    const [first, ...rest] = peer.frames.slice(seen);
    expect([first?.type, first?.flags]).toEqual([FrameType.settings, Flag.ack]);
    expect(dataBytes(rest)).toBe(12_005 - 10);
  });

  it('waits while SETTINGS have made the window negative', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 20]]));
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, Flag.endStream, 1, framed(Buffer.alloc(40)));
    await peer.roundTrip(1);
    peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, 5]]));
    peer.send(FrameType.windowUpdate, 0, 1, uint32(15));
    await peer.roundTrip(2);
    expect(dataBytes(peer.frames)).toBe(20);
    peer.send(FrameType.windowUpdate, 0, 1, uint32(1));
    await peer.roundTrip(3);
    expect(dataBytes(peer.frames)).toBe(21);
  });

  it('keeps to the connection window, and shares it frame by frame', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 1 << 20]]));
    for (const id of [1, 3]) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, 0, id, framed(Buffer.alloc(100_000)).subarray(0, 16_384));
    }
    for (const id of [1, 3]) {
      const rest = framed(Buffer.alloc(100_000)).subarray(16_384);
      for (let at = 0; at < rest.length; at += 16_384) {
        const piece = rest.subarray(at, at + 16_384);
        const flags = at + 16_384 >= rest.length ? Flag.endStream : 0;
        peer.send(FrameType.data, flags, id, piece);
      }
    }
    await peer.roundTrip(1);
    expect(dataBytes(peer.frames)).toBe(65_535);
    peer.send(FrameType.windowUpdate, 0, 0, uint32(65_536));
    await peer.roundTrip(2);
    expect(dataBytes(peer.frames)).toBe(131_071);
    expect(dataBytes(peer.frames, 3)).toBeGreaterThan(20_000);
    peer.send(FrameType.windowUpdate, 0, 0, uint32(1 << 20));
    await harness.end(1);
    await harness.end(3);
    expect(dataBytes(peer.frames)).toBe(2 * 100_005);
  });

  it('keeps to the frame size of the peer', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.maxFrameSize, 20_000]]));
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, 0, 1, framed(Buffer.alloc(50_000)).subarray(0, 16_384));
    const rest = Buffer.alloc(50_005 - 16_384);
    for (let at = 0; at < rest.length; at += 16_384) {
      peer.send(FrameType.data, 0, 1, rest.subarray(at, at + 16_384));
    }
    peer.send(FrameType.data, Flag.endStream, 1, []);
    await harness.end(1);
    const lengths = peer.frames.map(({ payload }) => payload.length);
    expect(Math.max(...lengths)).toBe(20_000);
  });

  it('is one write per turn', async () => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet();
    await peer.roundTrip(1);
    for (let id = 1; id < 100; id += 2) {
      peer.sendHeaders(id, callFields('Never'));
      peer.send(FrameType.data, Flag.endStream, id, framed('x'));
    }
    await settle();
    let writes = 0;
    const { stream } = harness.connection;
    const write = stream.write.bind(stream);
    stream.write = ((...args: Parameters<typeof write>) => {
      writes += 1;
      return write(...args);
    }) as typeof write;
    for (const call of harness.echo.pending) call.reply(Buffer.from('answer'));
    await harness.end(99);
    expect(harness.echo.pending.length).toBe(50);
    expect(writes).toBe(1);
  });
});

describe('what the server receives', () => {
  it('is accepted up to the stream window and not beyond', async () => {
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        call.pause();
        return { onMessage: () => {}, onHalfClose: () => {}, onAbort: () => {} };
      },
    };
    const harness = new ServerHarness({
      methods: new Map([['/test.Echo/Stream', method]]),
      limits: { streamWindowBytes: 20_000 },
    });
    const { peer } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Stream'));
    peer.send(FrameType.data, 0, 1, framed(Buffer.alloc(9995)));
    peer.send(FrameType.data, 0, 1, framed(Buffer.alloc(9995)));
    await peer.roundTrip(1);
    peer.send(FrameType.data, 0, 1, [0]);
    expect(await harness.reset(1)).toBe(ErrorCode.flowControlError);
  });

  it('opens a window again in large steps', async () => {
    const harness = new ServerHarness({ limits: { streamWindowBytes: 100_000 } });
    const { peer } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Stream'));
    const message = framed(Buffer.alloc(9_995));
    for (let i = 0; i < 30; i++) {
      peer.send(FrameType.data, 0, 1, message);
      await settle();
    }
    const updates = peer.frames.filter(
      ({ type, streamId }) => type === FrameType.windowUpdate && streamId === 1,
    );
    expect(updates.length).toBe(6);
    const total = updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    expect(total).toBe(300_000);
  });

  it('gives padding back too', async () => {
    const harness = new ServerHarness({ limits: { streamWindowBytes: 65_535 } });
    const { peer } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Stream'));
    const padded = Buffer.concat([Buffer.from([250]), framed('x'), Buffer.alloc(250)]);
    for (let i = 0; i < 500; i++) peer.send(FrameType.data, Flag.padded, 1, padded);
    await peer.roundTrip(1);
    expect(harness.connection.activeStreams).toBe(1);
    const updates = peer.frames.filter(
      ({ type, streamId }) => type === FrameType.windowUpdate && streamId === 1,
    );
    expect(updates.length).toBeGreaterThan(2);
  });

  it('is held back while a stream is paused, and comes in order when it goes on', async () => {
    const received: number[] = [];
    let ended = false;
    let held: StreamCall | undefined;
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        held = call;
        return {
          onMessage: (message) => {
            received.push(message[0] ?? -1);
            if (received.length % 10 === 0) call.pause();
          },
          onHalfClose: () => {
            ended = true;
            call.end();
          },
          onAbort: () => {},
        };
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    const { peer } = harness;
    peer.greet();
    peer.sendHeaders(1, callFields('Stream'));
    const all = Buffer.concat(Array.from({ length: 35 }, (_, i) => framed(Buffer.alloc(100, i))));
    for (let at = 0; at < all.length; at += 333) {
      peer.send(FrameType.data, 0, 1, all.subarray(at, at + 333));
    }
    peer.send(FrameType.data, Flag.endStream, 1, []);
    await peer.roundTrip(1);
    expect(received.length).toBe(10);
    for (let i = 0; i < 3; i++) held?.resume();
    expect(received).toEqual(Array.from({ length: 35 }, (_, i) => i));
    expect(ended).toBe(true);
    const end = await harness.end(1);
    expect(end && peer.decode(end).get('grpc-status')).toBeDefined();
  });
});

describe('a peer that does not read', () => {
  /** A stream method that sends as long as it may. */
  function firehose(message: Buffer): { method: GrpcMethod; sent: () => number } {
    let sent = 0;
    const pour = (call: StreamCall): void => {
      while (sent < 20_000) {
        sent += 1;
        if (!call.send(message)) return;
      }
    };
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        pour(call);
        return {
          onMessage: () => {},
          onHalfClose: () => {},
          onDrain: () => pour(call),
          onAbort: () => {},
        };
      },
    };
    return { method, sent: () => sent };
  }

  it('stops a stream by its window, after a bounded number of bytes', async () => {
    const { method, sent } = firehose(Buffer.alloc(1000));
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    await harness.peer.roundTrip(1);
    const before = sent();
    expect(before * 1005).toBeLessThan(65_535 + 256 * 1024 + 2000);
    harness.peer.send(FrameType.windowUpdate, 0, 0, uint32(10_000_000));
    harness.peer.send(FrameType.windowUpdate, 0, 1, uint32(1_000_000));
    await harness.peer.roundTrip(2);
    await settle();
    expect(sent()).toBeGreaterThan(before + 900);
  });

  it('lets streams take turns at a full socket', async () => {
    /** Which stream sent, each time that one was let. */
    const order: number[] = [];
    let opened = 0;
    const message = Buffer.alloc(10_000);
    const method: GrpcMethod = {
      kind: 'stream',
      open: (call) => {
        opened += 1;
        const name = opened;
        let left = 500;
        const pour = (): void => {
          order.push(name);
          while (left > 0) {
            left -= 1;
            if (!call.send(message)) return;
          }
          call.end();
        };
        pour();
        return { onMessage: () => {}, onHalfClose: () => {}, onDrain: pour, onAbort: () => {} };
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 2 ** 31 - 1]]));
    peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31 - 1 - 65_535));
    for (const id of [1, 3, 5]) peer.sendHeaders(id, callFields('Stream'));
    for (const id of [1, 3, 5]) await harness.end(id);
    expect(dataBytes(peer.frames)).toBe(3 * 500 * 10_005);
    // Once all three are under way.
    for (let i = 6; i < 15; i += 3) expect(order.slice(i, i + 3).sort()).toEqual([1, 2, 3]);
  });

  it('stops a stream by the socket, after a bounded number of bytes', async () => {
    const { method, sent } = firehose(Buffer.alloc(1000));
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Stream', method]]) });
    const { peer } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 2 ** 31 - 1]]));
    peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31 - 1 - 65_535));
    await peer.roundTrip(1);
    peer.pause();
    peer.sendHeaders(1, callFields('Stream'));
    await settle();
    const before = sent();
    expect(before * 1005).toBeLessThan(2 * 1024 * 1024);
    peer.resume();
    await settle();
    expect(sent()).toBeGreaterThan(before + 1000);
  });

  it('has its further calls wait, which go on when it reads', async () => {
    const calls: UnaryCall[] = [];
    const reply = Buffer.alloc(100_000);
    const method: GrpcMethod = {
      kind: 'unary',
      handle: (_request, call) => {
        calls.push(call);
        call.reply(reply);
      },
    };
    const harness = new ServerHarness({
      methods: new Map([['/test.Echo/Unary', method]]),
      limits: { connectionSendHighWaterBytes: 500_000 },
    });
    const { peer } = harness;
    peer.greet();
    for (let id = 1; id < 200; id += 2) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, Flag.endStream, id, framed('x'));
    }
    await peer.roundTrip(1);
    expect(calls.length).toBeLessThan(10);
    peer.send(FrameType.settings, 0, 0, settingsPayload([[SettingId.initialWindowSize, 200_000]]));
    peer.send(FrameType.windowUpdate, 0, 0, uint32(100_000_000));
    await harness.end(199);
    expect(calls.length).toBe(100);
    expect(dataBytes(peer.frames)).toBe(100 * 100_005);
  });

  it('is cut off when it takes nothing for a minute', async () => {
    let answers = 0;
    const congested = Promise.withResolvers<void>();
    const method: GrpcMethod = {
      kind: 'unary',
      handle: (_request, call) => {
        call.reply(Buffer.alloc(1_000_000));
        answers += 1;
        // With five megabytes the others wait.
        if (answers === 5) congested.resolve();
      },
    };
    const harness = new ServerHarness({ methods: new Map([['/test.Echo/Unary', method]]) });
    const { peer, clock } = harness;
    peer.greet();
    for (let id = 1; id < 20; id += 2) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, Flag.endStream, id, framed('x'));
    }
    await congested.promise;
    clock.advance(59_000);
    expect(harness.errors).toEqual([]);
    clock.advance(5000);
    expect(harness.errors.map((error) => error.code)).toEqual(['timeout']);
    expect(harness.connection.activeStreams).toBe(0);
  });

  it('has the whole minute although it took nothing before', async () => {
    const harness = new ServerHarness({ limits: { connectionSendHighWaterBytes: 1000 } });
    const { peer, clock } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 0]]));
    await peer.roundTrip(1);
    clock.advance(100_000);
    peer.sendHeaders(1, callFields());
    peer.send(FrameType.data, Flag.endStream, 1, framed(Buffer.alloc(2000)));
    await peer.roundTrip(2);
    clock.advance(59_000);
    expect(harness.errors).toEqual([]);
    clock.advance(5000);
    expect(harness.errors.map((error) => error.code)).toEqual(['timeout']);
  });

  it('is cut off although other frames go on piling up', async () => {
    const harness = new ServerHarness({ limits: { connectionSendHighWaterBytes: 100_000 } });
    const { peer, clock } = harness;
    peer.greet(settingsPayload([[SettingId.initialWindowSize, 1 << 30]]));
    await peer.roundTrip(1);
    peer.pause();
    for (let id = 1; id < 30; id += 2) {
      peer.sendHeaders(id, callFields());
      peer.send(FrameType.data, Flag.endStream, id, framed(Buffer.alloc(16_000)));
    }
    for (let id = 31; id < 170; id += 2) {
      clock.advance(1000);
      // Refused at once, which is a frame that nobody takes.
      peer.sendHeaders(id, [[':method', 'GET']]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(harness.errors.map((error) => error.code)).toEqual(['timeout']);
  });
});
