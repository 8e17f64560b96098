import { describe, expect, it } from 'vitest';
import { clientPreface, ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { connectionErrors, streamErrors, tolerated, uint32 } from '../testing/conformance.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';

/*
 * RFC 9113 §3 to §6, as far as only a server's peer can break it: the handshake and the life of streams.
 *
 * These bind only the one who sends, or the layer below:
 *   §3.2, §3.3 ALPN chooses HTTP/2 over TLS: who accepts connections hands in only such (README)
 *   §3.4  a server's preface is SETTINGS, its first frame (here: `answers SETTINGS`)
 *   §5.1  a server opens no streams
 *   §6.8  streams above a GOAWAY's last one are ignored, none below is forgotten (server.test.ts of grpc)
 *   §9.2  TLS's version and ciphers: of who makes the `TLSSocket`
 */

const protocol = 'protocolError';
const streamClosed = 'streamClosed';

function open(peer: FramePeer, streamId: number): void {
  peer.sendHeaders(streamId, callFields('Stream'));
}

/** A call that nobody answers, complete: half-closed (remote), as §5.1 calls it. */
function openHalfClosed(peer: FramePeer, streamId: number): void {
  peer.sendHeaders(streamId, callFields('Never'));
  peer.send(FrameType.data, Flag.endStream, streamId, framed('x'));
}

const connectionFaults = [
  {
    rule: '5.1',
    name: 'HEADERS on a stream that was closed',
    code: streamClosed,
    act: (peer: FramePeer) => {
      peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
      open(peer, 1);
    },
  },
  {
    rule: '5.1.1',
    name: 'an even stream identifier',
    code: protocol,
    act: (peer: FramePeer) => open(peer, 2),
  },
  {
    rule: '5.1.1',
    name: 'a stream identifier lower than the last',
    code: protocol,
    act: (peer: FramePeer) => {
      open(peer, 7);
      open(peer, 5);
    },
  },
  {
    rule: '6.6, 8.4',
    name: 'PUSH_PROMISE from a client',
    code: protocol,
    act: (peer: FramePeer) => {
      peer.send(FrameType.pushPromise, Flag.endHeaders, 1, uint32(2));
    },
  },
  {
    rule: '6.6',
    name: 'PUSH_PROMISE on stream 0',
    code: protocol,
    act: (peer: FramePeer) => {
      peer.send(FrameType.pushPromise, Flag.endHeaders, 0, uint32(2));
    },
  },
] as const;

const streamFaults = [
  {
    rule: '5.1',
    name: 'DATA after END_STREAM',
    code: streamClosed,
    act: (peer: FramePeer) => {
      openHalfClosed(peer, 3);
      peer.send(FrameType.data, 0, 3, framed('x'));
    },
  },
  {
    rule: '5.1',
    name: 'HEADERS after END_STREAM',
    code: streamClosed,
    act: (peer: FramePeer) => {
      openHalfClosed(peer, 3);
      peer.sendHeaders(3, [['x', 'y']], Flag.endStream);
    },
  },
  {
    rule: '5.1',
    name: 'DATA after trailers',
    code: streamClosed,
    act: (peer: FramePeer) => {
      peer.sendHeaders(3, callFields('Never'));
      peer.send(FrameType.data, 0, 3, framed('x'));
      peer.sendHeaders(3, [['x', 'y']], Flag.endStream);
      peer.send(FrameType.data, 0, 3, framed('x'));
    },
  },
  {
    rule: '5.1',
    name: 'DATA after RST_STREAM',
    code: streamClosed,
    act: (peer: FramePeer) => {
      open(peer, 3);
      peer.send(FrameType.rstStream, 0, 3, uint32(ErrorCode.cancel));
      peer.send(FrameType.data, 0, 3, framed('x'));
    },
  },
  {
    rule: '5.1.1',
    name: 'DATA on a stream that was passed over',
    code: streamClosed,
    act: (peer: FramePeer) => {
      open(peer, 5);
      peer.send(FrameType.data, 0, 3, framed('x'));
    },
  },
  {
    rule: '5.1.2',
    name: 'a stream beyond SETTINGS_MAX_CONCURRENT_STREAMS',
    code: 'refusedStream',
    limits: { maxConcurrentStreams: 1 },
    act: (peer: FramePeer) => {
      open(peer, 3);
      peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
    },
  },
] as const;

connectionErrors(['server'], connectionFaults);
streamErrors(['server'], streamFaults, 3);
tolerated(
  ['server'],
  [
    {
      rule: '5.1',
      name: 'WINDOW_UPDATE, PRIORITY and RST_STREAM after END_STREAM',
      act: (peer) => {
        openHalfClosed(peer, 3);
        peer.send(FrameType.windowUpdate, 0, 3, uint32(1));
        peer.send(FrameType.priority, 0, 3, Buffer.alloc(5));
        peer.send(FrameType.rstStream, 0, 3, uint32(ErrorCode.noError));
      },
    },
    {
      rule: '5.1',
      name: 'frames of any kind on a stream that it has reset itself',
      act: (peer) => {
        // Answered before it ends, so it is reset with NO_ERROR.
        peer.sendHeaders(3, callFields('Unknown'));
        peer.send(FrameType.data, 0, 3, framed('x'));
        peer.send(FrameType.windowUpdate, 0, 3, uint32(1));
        peer.sendHeaders(3, [['x', 'y']], Flag.endStream);
        peer.send(FrameType.rstStream, 0, 3, uint32(ErrorCode.cancel));
      },
    },
    {
      rule: '6.2',
      name: 'HEADERS with padding and priority',
      act: (peer) => {
        const block = peer.encode(callFields('Stream'));
        const payload = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block, Buffer.alloc(3)]);
        const flags = Flag.endHeaders | Flag.padded | Flag.priority;
        peer.send(FrameType.headers, flags, 3, payload);
      },
    },
    {
      rule: '6.10',
      name: 'a block in many frames, some of them empty',
      act: (peer) => {
        const block = peer.encode(callFields('Stream'));
        peer.send(FrameType.headers, 0, 3, block.subarray(0, 3));
        peer.send(FrameType.continuation, 0, 3, []);
        peer.send(FrameType.continuation, 0, 3, block.subarray(3, 9));
        peer.send(FrameType.continuation, Flag.endHeaders, 3, block.subarray(9));
      },
    },
    {
      rule: '6.8',
      name: 'GOAWAY, with words and a code that nobody knows',
      act: (peer) => {
        peer.send(FrameType.goaway, 0, 0, Buffer.concat([uint32(0, 0xdead_beef), framed('x')]));
      },
    },
    {
      rule: '5.1.1',
      name: 'identifiers that are passed over',
      act: (peer) => {
        open(peer, 9);
        open(peer, 901);
      },
    },
  ],
);

describe('the handshake of a server', () => {
  it('§3.4: begins with the preface, and nothing else will do', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n']) {
      const harness = new ServerHarness();
      harness.peer.write(Buffer.from(bytes));
      expect((await harness.goaway())?.code).toBe(ErrorCode.protocolError);
    }
  });

  it('§3.4: goes on with SETTINGS', async () => {
    for (const [type, flags] of [
      [FrameType.headers, Flag.endHeaders],
      [FrameType.data, 0],
      [FrameType.settings, Flag.ack],
      [FrameType.windowUpdate, 0],
      [0xbe, 0],
    ] as const) {
      const harness = new ServerHarness();
      harness.peer.write(clientPreface);
      harness.peer.send(type, flags, type === FrameType.settings ? 0 : 1, []);
      expect((await harness.goaway())?.code).toBe(ErrorCode.protocolError);
    }
  });

  it('§3.4, §6.5.3: answers SETTINGS and tells its own limits first', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    const isAck = (frame: { type: number; flags: number }) =>
      frame.type === FrameType.settings && frame.flags === Flag.ack;
    expect(await harness.peer.find(isAck)).toBeDefined();
    const [first] = harness.peer.frames;
    expect(first?.type).toBe(FrameType.settings);
    const values = new Map<number, number>();
    const payload = first?.payload ?? Buffer.alloc(0);
    for (let at = 0; at < payload.length; at += 6) {
      values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    expect(values.get(SettingId.maxConcurrentStreams)).toBe(1000);
    expect(values.get(SettingId.initialWindowSize)).toBe(1024 * 1024);
    expect(values.get(SettingId.maxHeaderListSize)).toBe(64 * 1024);
  });

  it('§6.7: answers a PING with its bytes', async () => {
    const harness = new ServerHarness();
    harness.peer.greet();
    harness.peer.send(FrameType.ping, 0, 0, Buffer.from('12345678'));
    const answer = await harness.peer.find(({ type }) => type === FrameType.ping);
    expect([answer?.flags, answer?.payload.toString()]).toEqual([Flag.ack, '12345678']);
  });

  it('reads frames however the byte stream cuts them', async () => {
    const harness = new ServerHarness();
    const written: Uint8Array[] = [];
    const { peer } = harness;
    const write = peer.write.bind(peer);
    peer.write = (bytes) => void written.push(bytes);
    peer.greet();
    peer.sendHeaders(1, callFields());
    const body = framed('in small pieces');
    peer.send(FrameType.data, Flag.padded, 1, [2, ...body.subarray(0, 4), 0, 0]);
    peer.send(FrameType.data, 0, 1, body.subarray(4));
    peer.send(FrameType.data, Flag.padded, 1, [0]);
    peer.send(FrameType.data, Flag.padded | Flag.endStream, 1, [3, 0, 0, 0]);
    for (const byte of Buffer.concat(written)) write(Buffer.from([byte]));
    await harness.end(1);
    const data = peer.frames.find(({ type }) => type === FrameType.data);
    expect(data?.payload.equals(body)).toBe(true);
  });
});
