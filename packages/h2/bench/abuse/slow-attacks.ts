import { gzipSync } from 'node:zlib';
import { clientPreface, Flag, FrameType } from '../../src/frames.ts';
import { callFields, framed } from '../../src/testing/index.ts';
import type { Attack } from './attack.ts';

/* Attacks by those who take their time, and by messages that are larger than they look. */

const timedOut = { endings: ['GOAWAY NO_ERROR'], answers: [] };

/** The first bytes of a message of 2 MiB. */
const begunMessage = Buffer.from([0, 0, 0x20, 0, 0, 0x61]);
const bodyStreams = 100;
/** Bytes each stream sends, one a second, before the attacker takes up the next 100. */
const bodyBytes = 6;

const gzipFields: [string, string][] = [...callFields('Unary'), ['grpc-encoding', 'gzip']];
/** 10 MiB of zeros in 10 KB; the second one lies about its size (RFC 1952 §2.3.1, ISIZE). */
const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024), { level: 9 });
const lyingBomb = Buffer.from(bomb);
lyingBomb.writeUInt32LE(1 << 20, lyingBomb.length - 4);
const bombs = [framed(bomb, 1), framed(lyingBomb, 1)] as const;

/** Attacks by time, and by compression. */
export const slowAttacks: readonly Attack[] = [
  {
    name: 'slow headers',
    what: 'a header block that comes byte by byte, two a second',
    limits: { headerTimeoutMs: 3000 },
    connections: 500,
    connectsPerSecond: 500,
    piecesPerSecond: 1000,
    expected: timedOut,
    endsWithinMs: 6000,
    begin: (peer) => {
      peer.greet();
      peer.send(FrameType.headers, 0, 1, [0x82]);
    },
    piece: (peer) => peer.send(FrameType.continuation, 0, 1, [0x82]),
  },
  {
    name: 'slow body',
    what: 'messages of 2 MiB that come byte by byte, one a second on each of 100 streams',
    limits: { bodyTimeoutMs: 3000 },
    connections: 50,
    connectsPerSecond: 200,
    piecesPerSecond: 50 * bodyStreams,
    expected: { endings: ['GOAWAY ENHANCE_YOUR_CALM', 'open'], answers: ['grpc-status 4'] },
    endsWithinMs: Number.POSITIVE_INFINITY,
    begin: (peer) => peer.greet(),
    piece: (peer, i) => {
      const turn = Math.floor(i / bodyStreams);
      const generation = Math.floor(turn / bodyBytes);
      const streamId = 2 * (generation * bodyStreams + (i % bodyStreams)) + 1;
      if (turn % bodyBytes > 0) return peer.send(FrameType.data, 0, streamId, [0x61]);
      peer.sendHeaders(streamId, callFields('Unary'));
      peer.send(FrameType.data, 0, streamId, begunMessage);
    },
  },
  {
    name: 'half-open connections',
    what: '5,000 connections, by turns silent, with half a preface, and with a preface alone',
    limits: { handshakeTimeoutMs: 4000 },
    connections: 5000,
    connectsPerSecond: 2500,
    piecesPerSecond: 0,
    // Silence is timed out, and the oldest give way as soon as there are too many.
    expected: {
      endings: ['GOAWAY NO_ERROR', 'GOAWAY ENHANCE_YOUR_CALM', 'closed'],
      answers: [],
    },
    endsWithinMs: 8000,
    begin: (peer, ordinal) => {
      if (ordinal % 3 === 1) peer.write(clientPreface.subarray(0, 12));
      if (ordinal % 3 === 2) peer.write(clientPreface);
    },
    piece: () => {},
  },
  {
    name: 'gzip bomb',
    what: 'messages of 10 KB that unpack to 10 MiB; every other one says 1 MiB',
    limits: {},
    connections: 8,
    connectsPerSecond: 200,
    piecesPerSecond: 200,
    expected: {
      endings: ['GOAWAY ENHANCE_YOUR_CALM', 'open'],
      answers: ['grpc-status 8', 'grpc-status 13'],
    },
    endsWithinMs: Number.POSITIVE_INFINITY,
    begin: (peer) => peer.greet(),
    piece: (peer, i) => {
      peer.sendHeaders(2 * i + 1, gzipFields);
      peer.send(FrameType.data, Flag.endStream, 2 * i + 1, bombs[i % 2] ?? bombs[0]);
    },
  },
];
