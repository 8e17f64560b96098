import { describe, expect, it } from 'vitest';
import { ErrorCode, Flag, FrameType, SettingId } from './frames.ts';
import type { GrpcMethod, StreamCall } from './grpc/types.ts';
import { settingsPayload } from './settings.ts';
import type { FramePeer } from './testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from './testing/server-harness.ts';

/* What many connections do together, each within its own limits. */

/** The error code that a connection was ended with. */
async function endOf(peer: FramePeer): Promise<number | undefined> {
  const frame = await peer.find(
    ({ type, payload }) => type === FrameType.goaway && payload.readUInt32BE(4) !== 0,
  );
  return frame?.payload.readUInt32BE(4);
}

async function isServed(peer: FramePeer, streamId: number): Promise<boolean> {
  peer.sendHeaders(streamId, callFields());
  peer.send(FrameType.data, Flag.endStream, streamId, framed('ping'));
  const isEnd = (frame: { streamId: number; flags: number }): boolean =>
    frame.streamId === streamId && (frame.flags & Flag.endStream) !== 0;
  return (await peer.find(isEnd)) !== undefined;
}

describe('connections over their number', () => {
  it('that have not sent SETTINGS make the oldest of them go', async () => {
    const harness = new ServerHarness({ limits: { maxHalfOpenConnections: 3 } });
    harness.peer.greet();
    await harness.peer.roundTrip(1);
    const silent = Array.from({ length: 5 }, () => harness.connect());
    await silent[0]?.ended();
    await silent[1]?.ended();
    expect(silent.map(({ isEnded }) => isEnded)).toEqual([true, true, false, false, false]);
    expect(await isServed(harness.peer, 1)).toBe(true);
    silent[4]?.greet();
    expect(await isServed(silent[4] as FramePeer, 1)).toBe(true);
    expect(harness.errors.map(({ code }) => code)).toEqual(['limit', 'limit']);
  });

  it('make the oldest without a stream go', async () => {
    const harness = new ServerHarness({ limits: { maxConnections: 3 } });
    const peers = [harness.peer, harness.connect(), harness.connect()];
    for (const peer of peers) peer.greet();
    for (const [i, peer] of peers.entries()) await peer.roundTrip(i);
    peers[0]?.sendHeaders(1, callFields('Stream'));
    await peers[0]?.roundTrip(9);
    const late = harness.connect();
    late.greet();
    await peers[1]?.ended();
    expect(await isServed(late, 1)).toBe(true);
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, true, false]);
    expect(harness.server.connectionCount).toBe(3);
  });

  it('are closed at once while all others have work', async () => {
    const harness = new ServerHarness({ limits: { maxConnections: 1 } });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    await harness.peer.roundTrip(1);
    await harness.connect().ended();
    expect(harness.server.connectionCount).toBe(1);
    expect(await isServed(harness.peer, 3)).toBe(true);
  });
});

describe('bytes that all connections hold together', () => {
  it('of unfinished messages make the connection with the most of them go', async () => {
    const harness = new ServerHarness({ limits: { maxServerBufferBytes: 400_000 } });
    const peers = [harness.peer, ...Array.from({ length: 4 }, () => harness.connect())];
    const greedy = peers[4] as FramePeer;
    for (const peer of peers) {
      peer.greet();
      peer.sendHeaders(1, callFields());
      // Of a message of 2,000,000 bytes.
      peer.send(FrameType.data, 0, 1, [0, 0, 0x1e, 0x84, 0x80]);
      for (let i = 0; i < 6; i++) peer.send(FrameType.data, 0, 1, Buffer.alloc(10_000));
      await peer.roundTrip(1);
    }
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, false, false, false, false]);
    for (let i = 0; i < 15; i++) greedy.send(FrameType.data, 0, 1, Buffer.alloc(10_000));
    expect(await endOf(greedy)).toBe(ErrorCode.enhanceYourCalm);
    expect(await isServed(harness.peer, 3)).toBe(true);
    expect(harness.errors.map(({ code }) => code)).toEqual(['limit']);
  });

  it('of output make the connection with the most of it go', async () => {
    const reply = Buffer.alloc(200_000);
    const method: GrpcMethod = { kind: 'unary', handle: (_request, call) => call.reply(reply) };
    const methods = new Map([['/test.Echo/Unary', method]]);
    const harness = new ServerHarness({ limits: { maxServerBufferBytes: 860_000 }, methods });
    const peers = [harness.peer, harness.connect(), harness.connect()];
    for (const peer of peers) {
      const calls = peer === peers[2] ? 3 : 1;
      peer.greet(settingsPayload([[SettingId.initialWindowSize, 0]]));
      for (let id = 1; id < 2 * calls; id += 2) {
        peer.sendHeaders(id, callFields());
        peer.send(FrameType.data, Flag.endStream, id, framed('x'));
      }
      await peer.roundTrip(1);
    }
    expect(await endOf(peers[2] as FramePeer)).toBe(ErrorCode.enhanceYourCalm);
    await peers[2]?.ended();
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, false, true]);
  });

  it('of unread bodies count, until they are read', async () => {
    let release = (): void => {};
    const harness = new ServerHarness({
      limits: { maxServerBufferBytes: 100_000 },
      fallback: (exchange) => {
        release = () => void exchange.respond(200, [], exchange.body);
      },
    });
    const { peer } = harness;
    peer.greet();
    const fields = callFields().map(([name, value]): [string, string] => [
      name,
      name === 'content-type' ? 'text/plain' : value,
    ]);
    peer.sendHeaders(1, fields);
    for (let i = 0; i < 9; i++) peer.send(FrameType.data, 0, 1, Buffer.alloc(10_000));
    await peer.roundTrip(1);
    release();
    await peer.roundTrip(2);
    peer.send(FrameType.windowUpdate, 0, 0, [0, 15, 0, 0]);
    for (let i = 0; i < 5; i++) peer.send(FrameType.data, 0, 1, Buffer.alloc(10_000));
    await peer.roundTrip(3);
    expect(peer.isEnded).toBe(false);
    const other = harness.connect();
    other.greet();
    other.sendHeaders(1, fields);
    for (let i = 0; i < 11; i++) other.send(FrameType.data, 0, 1, Buffer.alloc(10_000));
    expect(await endOf(other)).toBe(ErrorCode.enhanceYourCalm);
  });

  it('of header blocks without end count as well', async () => {
    const harness = new ServerHarness({ limits: { maxServerBufferBytes: 100_000 } });
    const peers = [harness.peer, harness.connect(), harness.connect(), harness.connect()];
    for (const [i, peer] of peers.entries()) {
      peer.greet();
      peer.send(FrameType.headers, 0, 1, Buffer.alloc(15_000, 0x82));
      peer.send(FrameType.continuation, 0, 1, Buffer.alloc(15_000 + 100 * i, 0x82));
    }
    expect(await endOf(peers[3] as FramePeer)).toBe(ErrorCode.enhanceYourCalm);
    await peers[3]?.ended();
    expect(peers.map(({ isEnded }) => isEnded)).toEqual([false, false, false, true]);
  });
});

describe('a producer that does not heed the answer of send', () => {
  it('has its call reset once too much waits', async () => {
    let sent = 0;
    const reasons: string[] = [];
    const pour = (call: StreamCall): void => {
      while (!call.aborted && sent < 10_000) {
        sent += 1;
        call.send(Buffer.alloc(1000));
      }
    };
    const method: GrpcMethod = {
      kind: 'stream',
      open: () => ({
        onMessage: () => {},
        onHalfClose: () => {},
        onAbort: (reason) => reasons.push(reason),
      }),
    };
    let call: StreamCall | undefined;
    const methods = new Map<string, GrpcMethod>([
      [
        '/test.Echo/Stream',
        {
          kind: 'stream',
          open: (opened) => {
            call = opened;
            return method.open(opened);
          },
        },
      ],
    ]);
    const harness = new ServerHarness({ methods, limits: { maxStreamSendBytes: 500_000 } });
    harness.peer.greet();
    harness.peer.sendHeaders(1, callFields('Stream'));
    await harness.peer.roundTrip(1);
    if (call !== undefined) pour(call);
    expect(await harness.reset(1)).toBe(ErrorCode.enhanceYourCalm);
    expect(sent * 1005).toBeLessThan(500_000 + 65_535 + 3000);
    expect(reasons).toEqual(['cancelled']);
    expect(harness.connection.activeStreams).toBe(0);
  });
});
