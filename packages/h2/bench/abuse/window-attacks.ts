import { Flag, FrameType, SettingId } from '../../src/frames.ts';
import { settingsPayload } from '../../src/settings.ts';
import { callFields, type FramePeer, framed } from '../../src/testing/index.ts';
import type { Attack } from './attack.ts';

/* Attacks on flow control: output that cannot leave, that dribbles out, and windows that overflow. */

/** The default is 60 s. */
const stallLimits = { sendStallTimeoutMs: 3000 };
const call = framed('ping');
const echoed = framed(Buffer.alloc(16_000, 0x61));
const fullFrame = Buffer.alloc(16_384);
const largestIncrement = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
const smallestIncrement = Buffer.from([0, 0, 0, 1]);

function greetWithWindow(peer: FramePeer, bytes: number): void {
  peer.greet(settingsPayload([[SettingId.initialWindowSize, bytes]]));
}

function callOn(peer: FramePeer, streamId: number, method: string, message = call): void {
  peer.sendHeaders(streamId, callFields(method));
  peer.send(FrameType.data, Flag.endStream, streamId, message);
}

/** Attacks by windows. */
export const windowAttacks: readonly Attack[] = [
  {
    name: 'zero windows',
    what: '1,000 calls a connection for 256 KiB each, and not a byte of window',
    limits: stallLimits,
    connections: 16,
    connectsPerSecond: 50,
    piecesPerSecond: 16_000,
    expected: { endings: ['GOAWAY NO_ERROR'], answers: [] },
    endsWithinMs: 6000,
    begin: (peer) => greetWithWindow(peer, 0),
    piece: (peer, i) => {
      if (i < 1000) callOn(peer, 2 * i + 1, 'Large');
    },
  },
  {
    name: 'zero windows, many connections',
    what: 'the same on 100 connections, together more than the server may hold',
    limits: { ...stallLimits, maxServerBufferBytes: 96 * 1024 * 1024 },
    connections: 100,
    connectsPerSecond: 50,
    piecesPerSecond: 5000,
    expected: { endings: ['GOAWAY ENHANCE_YOUR_CALM', 'GOAWAY NO_ERROR'], answers: [] },
    endsWithinMs: 6000,
    begin: (peer) => greetWithWindow(peer, 0),
    piece: (peer, i) => {
      if (i < 1000) callOn(peer, 2 * i + 1, 'Large');
    },
  },
  {
    name: 'no reads',
    what: 'echoes of 16 KB that nobody takes off the socket',
    limits: stallLimits,
    connections: 16,
    connectsPerSecond: 50,
    piecesPerSecond: 2000,
    expected: { endings: ['closed'], answers: [] },
    endsWithinMs: 11_000,
    begin: (peer) => {
      greetWithWindow(peer, 1 << 30);
      peer.send(FrameType.windowUpdate, 0, 0, [0x40, 0, 0, 0]);
      peer.pause();
    },
    piece: (peer, i) => callOn(peer, 2 * i + 1, 'Unary', echoed),
  },
  {
    name: 'tiny windows',
    what: '100 replies of 256 KiB a connection, given out byte by byte',
    limits: stallLimits,
    connections: 8,
    connectsPerSecond: 50,
    piecesPerSecond: 50_000,
    expected: { endings: ['GOAWAY ENHANCE_YOUR_CALM'], answers: [] },
    endsWithinMs: 6000,
    begin: (peer) => {
      greetWithWindow(peer, 1);
      for (let i = 0; i < 100; i++) callOn(peer, 2 * i + 1, 'Large');
    },
    piece: (peer, i) => peer.send(FrameType.windowUpdate, 0, 2 * (i % 10) + 1, smallestIncrement),
  },
  {
    name: 'window overflow',
    what: 'a connection window of 2^31 and more',
    limits: {},
    connections: 8,
    connectsPerSecond: 200,
    piecesPerSecond: 1000,
    expected: { endings: ['GOAWAY FLOW_CONTROL_ERROR'], answers: [] },
    endsWithinMs: 3000,
    begin: (peer) => peer.greet(),
    piece: (peer) => peer.send(FrameType.windowUpdate, 0, 0, largestIncrement),
  },
  {
    name: 'stream window overflow',
    what: 'the same on one stream after the other',
    limits: {},
    connections: 8,
    connectsPerSecond: 200,
    piecesPerSecond: 20_000,
    expected: {
      endings: ['GOAWAY ENHANCE_YOUR_CALM'],
      answers: ['RST FLOW_CONTROL_ERROR'],
    },
    endsWithinMs: 6000,
    begin: (peer) => peer.greet(),
    piece: (peer, i) => {
      peer.sendHeaders(2 * i + 1, callFields('Hold'));
      peer.send(FrameType.windowUpdate, 0, 2 * i + 1, largestIncrement);
    },
  },
  {
    name: 'DATA over the window',
    what: 'messages to a stream that has stopped reading, beyond what its window allows',
    limits: {},
    connections: 8,
    connectsPerSecond: 200,
    piecesPerSecond: 1000,
    expected: {
      endings: ['GOAWAY FLOW_CONTROL_ERROR', 'open'],
      answers: ['RST FLOW_CONTROL_ERROR', 'RST STREAM_CLOSED'],
    },
    endsWithinMs: Number.POSITIVE_INFINITY,
    begin: (peer) => greetWithWindow(peer, 0),
    piece: (peer, i) => {
      const turn = i % 100;
      const streamId = 2 * (i - turn) + 1;
      if (turn === 0) peer.sendHeaders(streamId, callFields('Stream'));
      peer.send(FrameType.data, 0, streamId, turn % 2 === 0 ? echoed : emptyMessages);
    },
  },
];

/** A frame of messages without bytes: five zeros each, so it is cut after 3,276 of them. */
const emptyMessages = fullFrame.subarray(0, 16_380);
