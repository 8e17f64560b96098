import { Flag, FrameType, SettingId } from '../../src/frames.ts';
import { settingsPayload } from '../../src/settings.ts';
import { callFields, type FramePeer, framed } from '../../src/testing/index.ts';
import type { Attack, Expectation } from './attack.ts';

/* Frames by the thousand that cost the server more than the attacker, until it counts them. */

const calm: Expectation = { endings: ['GOAWAY ENHANCE_YOUR_CALM'], answers: [] };
const cancel = Buffer.from([0, 0, 0, 8]);
const call = framed('ping');

/** What floods share: few connections, each of which is sent away as soon as its burst is used up. */
const flood = {
  limits: {},
  connections: 8,
  connectsPerSecond: 200,
  piecesPerSecond: 50_000,
  expected: calm,
  endsWithinMs: 5000,
  begin: (peer: FramePeer) => peer.greet(),
} satisfies Partial<Attack>;

/** An indexed field that stands for 4,000 bytes, again and again (an HPACK bomb), in one full frame. */
const bombField = Buffer.concat([
  Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]),
  Buffer.alloc(4000, 0x61),
]);
const bombReferences = Buffer.alloc(12_000, 0x80 | 62);

function openStreams(peer: FramePeer, count: number, method: string): void {
  const block = callFields(method);
  for (let i = 0; i < count; i++) {
    peer.sendHeaders(2 * i + 1, block);
    peer.send(FrameType.data, Flag.endStream, 2 * i + 1, call);
  }
}

/** Attacks by the number of frames. */
export const floods: readonly Attack[] = [
  {
    ...flood,
    name: 'rapid reset',
    what: 'calls that reach their handler and are cancelled in the same write',
    piece: (peer, i) => {
      peer.sendHeaders(2 * i + 1, callFields('Hold'));
      peer.send(FrameType.data, Flag.endStream, 2 * i + 1, call);
      peer.send(FrameType.rstStream, 0, 2 * i + 1, cancel);
    },
  },
  {
    ...flood,
    name: 'CONTINUATION flood',
    what: 'a header block that never ends, in frames of 1 KiB',
    piece: (peer, i) => {
      const type = i === 0 ? FrameType.headers : FrameType.continuation;
      peer.send(type, 0, 1, kibibyte);
    },
  },
  {
    ...flood,
    name: 'SETTINGS flood',
    what: 'empty SETTINGS, each to be acknowledged',
    piece: (peer) => peer.send(FrameType.settings, 0, 0),
  },
  {
    ...flood,
    name: 'SETTINGS of windows',
    what: 'SETTINGS that open and close the windows of 1,000 streams with queued output',
    // Each begins with a thousand calls, which is load enough for any server.
    connectsPerSecond: 10,
    piecesPerSecond: 10_000,
    begin: (peer) => {
      peer.greet(settingsPayload([[SettingId.initialWindowSize, 0]]));
      openStreams(peer, 1000, 'Unary');
    },
    piece: (peer, i) => {
      const windowBytes = i % 2;
      peer.send(
        FrameType.settings,
        0,
        0,
        settingsPayload([[SettingId.initialWindowSize, windowBytes]]),
      );
    },
  },
  {
    ...flood,
    name: 'PING flood',
    what: 'PINGs without streams, each to be answered',
    piece: (peer) => peer.send(FrameType.ping, 0, 0, eightBytes),
  },
  {
    ...flood,
    name: 'PING flood within streams',
    what: 'PINGs beside calls, whose answers make them look welcome',
    piece: (peer, i) => {
      if (i % 10 === 0) {
        peer.sendHeaders(2 * i + 1, callFields('Unary'));
        peer.send(FrameType.data, Flag.endStream, 2 * i + 1, call);
      }
      peer.send(FrameType.ping, 0, 0, eightBytes);
    },
  },
  {
    ...flood,
    name: 'empty DATA flood',
    what: 'DATA without bytes on one stream',
    begin: (peer) => {
      peer.greet();
      peer.sendHeaders(1, callFields('Stream'));
    },
    piece: (peer) => peer.send(FrameType.data, 0, 1),
  },
  {
    ...flood,
    name: 'header bomb',
    what: '12 KB of references to one field of 4,000 bytes, 48 MB when written out',
    piecesPerSecond: 1000,
    piece: (peer, i) => {
      const block = i === 0 ? Buffer.concat([bombField, bombReferences]) : bombReferences;
      peer.send(FrameType.headers, Flag.endHeaders | Flag.endStream, 2 * i + 1, block);
    },
  },
];

const kibibyte = Buffer.alloc(1024, 0x82);
const eightBytes = Buffer.alloc(8);
