import { ErrorCode, Flag, FrameType, SettingId } from '../frames.ts';
import { settingsPayload } from '../settings.ts';
import {
  connectionErrors,
  type FaultCase,
  type PeerCase,
  streamErrors,
  tolerated,
  uint32,
} from '../testing/conformance.ts';
import type { FramePeer } from '../testing/frame-peer.ts';
import { framed } from '../testing/server-harness.ts';

/*
 * RFC 9113 §4 to §7: what frames may be, for a server and for a client. Every MUST and MUST NOT that a
 * peer can break stands here, but for those of streams and handshakes that differ between the two ends
 * (`server.test.ts`, `client.test.ts`), of messages (`requests.test.ts`, `responses.test.ts`) and of
 * header compression (`hpack.test.ts`).
 *
 * These bind only the one who sends, so they are kept by us and seen in the tests of what we write:
 *   §4.1  reserved bits and undefined flags are zero
 *   §4.2  a frame is no larger than the peer's SETTINGS_MAX_FRAME_SIZE (flow.test.ts)
 *   §4.3.1 a smaller table is told at the beginning of the next block (hpack.test.ts)
 *   §5.1  nothing but PRIORITY is sent on a stream that is closed, nor RST_STREAM on an idle one
 *   §5.1.1 a client's streams have growing odd identifiers, none is used twice (stream-ids.test.ts)
 *   §5.1.2 no more streams are opened than the peer allows (client-retry.test.ts)
 *   §5.2.1, §6.9 no DATA beyond the peer's windows, also when SETTINGS shrink them (flow.test.ts)
 *   §5.4.2 RST_STREAM is not answered with RST_STREAM
 *   §6.5.3 SETTINGS are applied in order and acknowledged at once; §6.7 PING is answered with its bytes
 *   §6.8  the last stream identifier of a GOAWAY does not grow (server.test.ts of grpc)
 *   §7    unknown error codes cause nothing special: `tolerated` below
 */

const protocol = 'protocolError';
const frameSize = 'frameSizeError';
const flowControl = 'flowControlError';
const both = ['server', 'client'] as const;
/** An identifier that nobody has used. */
const idle = 999;

function setting(peer: FramePeer, id: number, value: number): void {
  peer.send(FrameType.settings, 0, 0, settingsPayload([[id, value]]));
}

/** A frame inside a header block of stream 1. */
function interrupt(name: string, send: (peer: FramePeer) => void): FaultCase {
  const act = (peer: FramePeer): void => {
    peer.send(FrameType.headers, Flag.endStream, 1, peer.encode([['x', 'y']]));
    send(peer);
  };
  return { rule: '4.3, 6.10', name: `${name} inside a header block`, code: protocol, act };
}

function fault(
  rule: string,
  name: string,
  code: keyof typeof ErrorCode,
  act: (peer: FramePeer) => void,
): FaultCase {
  return { rule, name, code, act };
}

const faultyBlocks: readonly FaultCase[] = [
  interrupt('PING', (peer) => peer.send(FrameType.ping, 0, 0, Buffer.alloc(8))),
  interrupt('DATA', (peer) => peer.send(FrameType.data, 0, 1, framed('x'))),
  interrupt('empty DATA', (peer) => peer.send(FrameType.data, Flag.endStream, 1, [])),
  interrupt('PRIORITY', (peer) => peer.send(FrameType.priority, 0, 1, Buffer.alloc(5))),
  interrupt('RST_STREAM', (peer) => peer.send(FrameType.rstStream, 0, 1, uint32(8))),
  interrupt('SETTINGS', (peer) => peer.send(FrameType.settings, 0, 0, [])),
  interrupt('WINDOW_UPDATE', (peer) => peer.send(FrameType.windowUpdate, 0, 0, uint32(1))),
  interrupt('GOAWAY', (peer) => peer.send(FrameType.goaway, 0, 0, uint32(1, 0))),
  interrupt('HEADERS', (peer) => peer.sendHeaders(1, [['x', 'y']])),
  interrupt('HEADERS of another stream', (peer) => peer.sendHeaders(3, [['x', 'y']])),
  interrupt('an unknown frame', (peer) => peer.send(0xbe, 0, 1, [])),
  interrupt('CONTINUATION of another stream', (peer) =>
    peer.send(FrameType.continuation, Flag.endHeaders, 3, []),
  ),
  interrupt('CONTINUATION of stream 0', (peer) =>
    peer.send(FrameType.continuation, Flag.endHeaders, 0, []),
  ),
  fault('6.10', 'CONTINUATION of nothing', protocol, (peer) =>
    peer.send(FrameType.continuation, Flag.endHeaders, 1, [0x82]),
  ),
  fault('6.10', 'CONTINUATION after the end of a block', protocol, (peer) => {
    peer.sendHeaders(1, [['x', 'y']], Flag.endStream);
    peer.send(FrameType.continuation, Flag.endHeaders, 1, []);
  }),
  fault('6.10', 'CONTINUATION on stream 0', protocol, (peer) =>
    peer.send(FrameType.continuation, Flag.endHeaders, 0, []),
  ),
];

const faultyFrames: readonly FaultCase[] = [
  fault('4.2', 'DATA over SETTINGS_MAX_FRAME_SIZE', frameSize, (peer) =>
    peer.send(FrameType.data, 0, 1, Buffer.alloc(16_385)),
  ),
  fault('4.2', 'HEADERS over SETTINGS_MAX_FRAME_SIZE', frameSize, (peer) =>
    peer.send(FrameType.headers, 0, 1, Buffer.alloc(16_385)),
  ),
  fault('4.2', 'SETTINGS over SETTINGS_MAX_FRAME_SIZE', frameSize, (peer) =>
    peer.send(FrameType.settings, 0, 0, Buffer.alloc(16_386)),
  ),
  fault('4.2', 'an unknown frame over SETTINGS_MAX_FRAME_SIZE', frameSize, (peer) =>
    peer.send(0xbe, 0, 0, Buffer.alloc(16_385)),
  ),
  fault('5.1', 'DATA on an idle stream', protocol, (peer) =>
    peer.send(FrameType.data, 0, idle, framed('x')),
  ),
  fault('5.1', 'RST_STREAM on an idle stream', protocol, (peer) =>
    peer.send(FrameType.rstStream, 0, idle, uint32(0)),
  ),
  fault('5.1', 'WINDOW_UPDATE on an idle stream', protocol, (peer) =>
    peer.send(FrameType.windowUpdate, 0, idle, uint32(1)),
  ),
  fault('5.1', 'DATA on an idle stream with an even identifier', protocol, (peer) =>
    peer.send(FrameType.data, 0, 2, framed('x')),
  ),
  fault('6.1', 'DATA on stream 0', protocol, (peer) =>
    peer.send(FrameType.data, 0, 0, framed('x')),
  ),
  fault('6.1', 'DATA of padding as long as the frame', protocol, (peer) =>
    peer.send(FrameType.data, Flag.padded, 1, [5, 0, 0, 0, 0]),
  ),
  fault('6.1', 'DATA padded beyond its length', protocol, (peer) =>
    peer.send(FrameType.data, Flag.padded, 1, [255, 0, 0, 0, 0]),
  ),
  fault('6.1', 'padded DATA without a pad length', protocol, (peer) =>
    peer.send(FrameType.data, Flag.padded, 1, []),
  ),
  fault('6.2', 'HEADERS on stream 0', protocol, (peer) => peer.sendHeaders(0, [['x', 'y']])),
  fault('6.2', 'HEADERS padded beyond its length', protocol, (peer) =>
    peer.send(FrameType.headers, Flag.endHeaders | Flag.endStream | Flag.padded, 1, [9, 0x82]),
  ),
  fault('6.2', 'padded HEADERS without a pad length', frameSize, (peer) =>
    peer.send(FrameType.headers, Flag.endHeaders | Flag.endStream | Flag.padded, 1, []),
  ),
  fault('6.2', 'HEADERS too short for their priority', frameSize, (peer) =>
    peer.send(FrameType.headers, Flag.endHeaders | Flag.priority, 1, [0, 0, 0, 0]),
  ),
  fault('6.3', 'PRIORITY on stream 0', protocol, (peer) =>
    peer.send(FrameType.priority, 0, 0, Buffer.alloc(5)),
  ),
  // A stream error without a stream to reset: §5.4.2 forbids RST_STREAM for idle ones.
  fault('6.3', 'PRIORITY of another length than 5 on an idle stream', frameSize, (peer) =>
    peer.send(FrameType.priority, 0, idle, Buffer.alloc(6)),
  ),
  fault('6.4', 'RST_STREAM on stream 0', protocol, (peer) =>
    peer.send(FrameType.rstStream, 0, 0, uint32(0)),
  ),
  fault('6.4', 'RST_STREAM shorter than 4', frameSize, (peer) =>
    peer.send(FrameType.rstStream, 0, 1, [0, 0, 0]),
  ),
  fault('6.4', 'RST_STREAM longer than 4', frameSize, (peer) =>
    peer.send(FrameType.rstStream, 0, 1, [0, 0, 0, 0, 8]),
  ),
  fault('6.7', 'PING on a stream', protocol, (peer) =>
    peer.send(FrameType.ping, 0, 1, Buffer.alloc(8)),
  ),
  fault('6.7', 'PING shorter than 8', frameSize, (peer) =>
    peer.send(FrameType.ping, 0, 0, Buffer.alloc(7)),
  ),
  fault('6.7', 'the answer to a PING longer than 8', frameSize, (peer) =>
    peer.send(FrameType.ping, Flag.ack, 0, Buffer.alloc(9)),
  ),
  fault('6.8', 'GOAWAY on a stream', protocol, (peer) =>
    peer.send(FrameType.goaway, 0, 1, Buffer.alloc(8)),
  ),
  fault('6.8', 'GOAWAY shorter than 8', frameSize, (peer) =>
    peer.send(FrameType.goaway, 0, 0, Buffer.alloc(7)),
  ),
];

const faultySettings: readonly FaultCase[] = [
  fault('6.5', 'SETTINGS on a stream', protocol, (peer) => peer.send(FrameType.settings, 0, 1, [])),
  fault('6.5', 'the acknowledgement of SETTINGS on a stream', protocol, (peer) =>
    peer.send(FrameType.settings, Flag.ack, 1, []),
  ),
  fault('6.5', 'an acknowledgement of SETTINGS with a payload', frameSize, (peer) =>
    peer.send(FrameType.settings, Flag.ack, 0, Buffer.alloc(6)),
  ),
  fault('6.5', 'SETTINGS whose length is no multiple of 6', frameSize, (peer) =>
    peer.send(FrameType.settings, 0, 0, Buffer.alloc(7)),
  ),
  fault('6.5.2', 'SETTINGS_ENABLE_PUSH of 2', protocol, (peer) =>
    setting(peer, SettingId.enablePush, 2),
  ),
  fault('6.5.2', 'SETTINGS_INITIAL_WINDOW_SIZE of 2^31', flowControl, (peer) =>
    setting(peer, SettingId.initialWindowSize, 2 ** 31),
  ),
  fault('6.5.2', 'SETTINGS_MAX_FRAME_SIZE below 16,384', protocol, (peer) =>
    setting(peer, SettingId.maxFrameSize, 16_383),
  ),
  fault('6.5.2', 'SETTINGS_MAX_FRAME_SIZE above 16,777,215', protocol, (peer) =>
    setting(peer, SettingId.maxFrameSize, 16_777_216),
  ),
  fault('6.9.2', 'a stream window beyond 2^31-1 by SETTINGS', flowControl, (peer) => {
    peer.send(FrameType.windowUpdate, 0, 1, uint32(2 ** 31 - 1 - 65_535));
    setting(peer, SettingId.initialWindowSize, 65_536);
  }),
];

const faultyWindows: readonly FaultCase[] = [
  fault('6.9', 'WINDOW_UPDATE of the connection by 0', protocol, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 0, uint32(0)),
  ),
  fault('6.9', 'WINDOW_UPDATE of the connection by 0 and the reserved bit', protocol, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31)),
  ),
  fault('6.9', 'WINDOW_UPDATE shorter than 4', frameSize, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 0, [0, 0, 1]),
  ),
  fault('6.9', 'WINDOW_UPDATE of a stream longer than 4', frameSize, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 1, [0, 0, 0, 0, 1]),
  ),
  fault('6.9.1', 'a connection window beyond 2^31-1', flowControl, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31 - 1)),
  ),
  {
    ...fault('6.9.1', 'DATA beyond the connection window', flowControl, (peer) =>
      peer.send(FrameType.data, 0, 1, Buffer.alloc(65_536)),
    ),
    limits: {
      maxFrameBytes: 100_000,
      streamWindowBytes: 65_535,
      connectionWindowBytes: 65_535,
    },
  },
];

connectionErrors(both, faultyBlocks);
connectionErrors(both, faultyFrames);
connectionErrors(both, faultySettings);
connectionErrors(both, faultyWindows);

streamErrors(both, [
  fault('6.3', 'PRIORITY shorter than 5', frameSize, (peer) =>
    peer.send(FrameType.priority, 0, 1, Buffer.alloc(4)),
  ),
  fault('6.3', 'PRIORITY longer than 5', frameSize, (peer) =>
    peer.send(FrameType.priority, 0, 1, Buffer.alloc(6)),
  ),
  fault('6.9', 'WINDOW_UPDATE of a stream by 0', protocol, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 1, uint32(0)),
  ),
  fault('6.9.1', 'a stream window beyond 2^31-1', flowControl, (peer) =>
    peer.send(FrameType.windowUpdate, 0, 1, uint32(2 ** 31 - 1)),
  ),
  {
    ...fault('6.9.1', 'DATA beyond the stream window', flowControl, (peer) =>
      peer.send(FrameType.data, 0, 1, Buffer.alloc(1001)),
    ),
    limits: { streamWindowBytes: 1000 },
  },
  {
    ...fault('6.9.1', 'DATA that is beyond it by its padding', flowControl, (peer) =>
      peer.send(FrameType.data, Flag.padded, 1, [200, ...Buffer.alloc(1000)]),
    ),
    limits: { streamWindowBytes: 1000 },
  },
]);

function bear(rule: string, name: string, act: (peer: FramePeer) => void): PeerCase {
  return { rule, name, act };
}

tolerated(both, [
  bear('4.1, 5.5', 'unknown frame types', (peer) => {
    peer.send(0xbe, 0xff, 0, Buffer.alloc(100));
    peer.send(0xff, 0, 1, []);
    peer.send(0x10, 0xff, idle, [1, 2, 3]);
  }),
  bear('4.1', 'flags that a frame type does not have', (peer) => {
    const others = 0xff & ~(Flag.ack | Flag.padded | Flag.endHeaders | Flag.priority);
    peer.send(FrameType.ping, others, 0, Buffer.alloc(8));
    peer.send(FrameType.settings, others, 0, []);
    peer.send(FrameType.windowUpdate, 0xff, 1, uint32(1));
    peer.send(FrameType.data, others, 1, framed('x'));
    peer.send(FrameType.priority, 0xff, 1, Buffer.alloc(5));
  }),
  bear('4.1, 6.9', 'reserved bits', (peer) => {
    peer.send(FrameType.windowUpdate, 0, 2 ** 31, uint32(2 ** 31 + 1));
    peer.send(FrameType.ping, 0, 2 ** 31, Buffer.alloc(8));
    peer.send(FrameType.data, 0, 2 ** 31 + 1, framed('x'));
  }),
  bear('5.3.2, 6.3', 'PRIORITY on streams that are idle, open, and their own parents', (peer) => {
    peer.send(FrameType.priority, 0, idle, Buffer.alloc(5));
    peer.send(FrameType.priority, 0, 2, uint32(1, 0).subarray(0, 5));
    peer.send(FrameType.priority, 0, 1, uint32(2 ** 31 + 1, 0).subarray(0, 5));
  }),
  bear('6.1', 'DATA with padding, and empty', (peer) => {
    peer.send(FrameType.data, Flag.padded, 1, [2, ...framed('x'), 0, 0]);
    peer.send(FrameType.data, Flag.padded, 1, [0]);
    peer.send(FrameType.data, 0, 1, []);
    peer.send(FrameType.data, Flag.padded, 1, [255, ...Buffer.alloc(255)]);
  }),
  bear('6.1', 'padding that is not zero', (peer) =>
    peer.send(FrameType.data, Flag.padded, 1, [2, ...framed('x'), 1, 2]),
  ),
  bear('6.5.2', 'settings that nobody knows', (peer) => {
    setting(peer, 0xbeef, 2 ** 32 - 1);
    setting(peer, 0, 0);
  }),
  bear('6.5', 'a setting twice in a frame, and SETTINGS without any', (peer) => {
    const twice = settingsPayload([
      [SettingId.maxFrameSize, 20_000],
      [SettingId.maxFrameSize, 30_000],
    ]);
    peer.send(FrameType.settings, 0, 0, twice);
    peer.send(FrameType.settings, 0, 0, []);
  }),
  bear('6.5.2', 'settings at their bounds', (peer) => {
    setting(peer, SettingId.maxFrameSize, 16_777_215);
    setting(peer, SettingId.initialWindowSize, 2 ** 31 - 1);
    setting(peer, SettingId.headerTableSize, 2 ** 32 - 1);
    setting(peer, SettingId.headerTableSize, 0);
    setting(peer, SettingId.maxHeaderListSize, 2 ** 32 - 1);
    setting(peer, SettingId.enablePush, 0);
  }),
  bear('6.5.3', 'an acknowledgement too many', (peer) =>
    peer.send(FrameType.settings, Flag.ack, 0, []),
  ),
  bear('6.7', 'an answer to no PING', (peer) =>
    peer.send(FrameType.ping, Flag.ack, 0, Buffer.alloc(8, 1)),
  ),
  bear('6.9.1', 'windows of 2^31-1', (peer) => {
    peer.send(FrameType.windowUpdate, 0, 0, uint32(2 ** 31 - 1 - 65_535));
    peer.send(FrameType.windowUpdate, 0, 1, uint32(2 ** 31 - 1 - 65_535));
  }),
  bear('5.1', 'frames under way on a stream that it resets', (peer) => {
    peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
    peer.send(FrameType.windowUpdate, 0, 1, uint32(1));
    peer.send(FrameType.rstStream, 0, 1, uint32(ErrorCode.cancel));
    peer.send(FrameType.priority, 0, 1, Buffer.alloc(5));
  }),
  bear('7', 'RST_STREAM with an error code that nobody knows', (peer) =>
    peer.send(FrameType.rstStream, 0, 1, uint32(0xdead_beef)),
  ),
]);
