import type { Duplex } from 'node:stream';
import { Flag, FrameType } from '../../frames.ts';
import { FramePeer } from '../../testing/frame-peer.ts';
import { memoryDuplexPair } from '../../testing/memory-duplex.ts';
import { type FrameWalk, walkFrames } from './frame-walk.ts';
import type { Subject } from './subjects.ts';
import { probeBlock } from './traffic.ts';
import { burstsOf, completionOf, type WireItem } from './wire-item.ts';

/** What came of one stream. */
export interface StreamOutcome {
  /** Final status, body, and then trailers and grpc-status (as ok or failed), in words. */
  answer: string;
  /** What the server says it understood of the request's fields; undefined for gRPC, which says nothing of it. */
  digest: string | undefined;
  /** `open`: no end was seen. A number: the code of RST_STREAM. */
  end: 'open' | 'complete' | number;
}

/** What a client sees of a sequence. */
export interface Outcome {
  readonly streams: ReadonlyMap<number, StreamOutcome>;
  /** The code of a GOAWAY; undefined: there was none. */
  readonly goaway: number | undefined;
  /** A request and a PING at the end were answered. */
  readonly isAlive: boolean;
  /** The byte stream was ended by the server. */
  readonly isEnded: boolean;
  /** What was sent, as one that only counts lengths sees it. */
  readonly sent: FrameWalk;
}

/** Turns without anything new after which a server is taken to have nothing to say. */
const QUIET_TURNS = 5;
/** A server that has said nothing for so many turns will not. Bounds every wait, so nothing hangs. */
const SILENT_TURNS = 40;
const prefaceBytes = 24;

/** Plays a sequence to a server and tells what it answered; `pieceBytes` is how the byte stream is cut. */
export async function play(
  subject: Subject,
  items: readonly WireItem[],
  pieceBytes: number,
): Promise<Outcome> {
  const [near, far] = memoryDuplexPair();
  near.on('error', () => {});
  subject.accept(near);
  const peer = new FramePeer(far);
  const bursts = burstsOf(items, true);
  for (const burst of bursts) {
    writePieces(peer, burst, pieceBytes);
    await quiet(peer, QUIET_TURNS);
  }
  const bytes = Buffer.concat(bursts);
  peer.write(completionOf(bytes, prefaceBytes));
  const sent = walkFrames(bytes, prefaceBytes);
  const probeId = nextId(sent.lastStreamId);
  await quiet(peer, QUIET_TURNS);
  const isAlive = await answersProbe(peer, probeId);
  const outcome = { ...readFrames(peer, probeId), isAlive, isEnded: peer.isEnded, sent };
  peer.hangUp();
  await turns(near, 3);
  return outcome;
}

function nextId(lastStreamId: number): number {
  return lastStreamId + (lastStreamId % 2 === 0 ? 1 : 2);
}

function writePieces(peer: FramePeer, bytes: Buffer, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    peer.write(bytes.subarray(at, at + pieceBytes));
  }
}

/** Waits until nothing new has come for some turns. */
async function quiet(peer: FramePeer, limit: number): Promise<void> {
  let still = 0;
  let seen = peer.frames.length;
  while (still < limit && !peer.isEnded) {
    await new Promise((resolve) => setImmediate(resolve));
    still = peer.frames.length === seen ? still + 1 : 0;
    seen = peer.frames.length;
  }
}

async function turns(stream: Duplex, count: number): Promise<void> {
  for (let i = 0; i < count && !(i > 0 && stream.closed); i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function answersProbe(peer: FramePeer, probeId: number): Promise<boolean> {
  if (peer.isEnded || probeId > 0x7fff_ffff) return false;
  const opaque = Buffer.from('probing!');
  peer.send(FrameType.windowUpdate, 0, 0, [0, 1, 0, 0]);
  const flags = Flag.endHeaders | Flag.endStream;
  peer.send(FrameType.headers, flags, probeId, probeBlock());
  peer.send(FrameType.ping, 0, 0, opaque);
  let silent = 0;
  for (;;) {
    const isPinged = peer.frames.some(
      ({ type, flags: f, payload }) =>
        type === FrameType.ping && (f & Flag.ack) !== 0 && payload.equals(opaque),
    );
    const isAnswered = peer.frames.some(
      ({ type, streamId }) => type === FrameType.headers && streamId === probeId,
    );
    if (isPinged && isAnswered) return true;
    if (peer.isEnded || silent > SILENT_TURNS) return false;
    const seen = peer.frames.length;
    await new Promise((resolve) => setImmediate(resolve));
    silent = peer.frames.length === seen ? silent + 1 : 0;
  }
}

function readFrames(peer: FramePeer, probeId: number): Pick<Outcome, 'streams' | 'goaway'> {
  const heads = new Map<number, string[]>();
  const bodies = new Map<number, Buffer[]>();
  const ends = new Map<number, StreamOutcome['end']>();
  const digests = new Map<number, string | undefined>();
  let goaway: number | undefined;
  for (const received of peer.frames) {
    const { type, flags, streamId, payload } = received;
    if (type === FrameType.goaway) goaway = payload.readUInt32BE(4);
    if (type === FrameType.headers) {
      // Every block must go through the table, those of the probe as well.
      const fields = peer.decode(received);
      const words = wordsOf(fields);
      if (fields.has('x-d')) digests.set(streamId, fields.get('x-d'));
      if (words !== undefined) heads.set(streamId, [...(heads.get(streamId) ?? []), words]);
    }
    if (streamId === 0 || streamId === probeId) continue;
    if (type === FrameType.data) {
      bodies.set(streamId, [...(bodies.get(streamId) ?? []), payload]);
    }
    if (type === FrameType.rstStream && ends.get(streamId) !== 'complete') {
      ends.set(streamId, payload.readUInt32BE(0));
    }
    const mayEnd = type === FrameType.headers || type === FrameType.data;
    if (mayEnd && (flags & Flag.endStream) !== 0) ends.set(streamId, 'complete');
  }
  const streams = new Map<number, StreamOutcome>();
  for (const streamId of new Set([...heads.keys(), ...bodies.keys(), ...ends.keys()])) {
    if (streamId === probeId) continue;
    const [head = '', ...trailers] = heads.get(streamId) ?? [];
    const end = ends.get(streamId) ?? 'open';
    const isFailed =
      head.includes('failed') ||
      head.startsWith('405') ||
      trailers.some((words) => words === 'failed');
    const body = Buffer.concat(bodies.get(streamId) ?? []).toString('latin1');
    // How much a failed call had sent before it failed does not matter.
    const answer = isFailed ? 'failed' : `${head} ${body}${trailers.join(' ')}`;
    const isGrpc = isFailed || trailers.some((words) => words === 'ok');
    streams.set(streamId, { answer, end, digest: isGrpc ? undefined : digests.get(streamId) });
  }
  return { streams, goaway };
}

/** What matters of a header list; undefined for informational ones. */
function wordsOf(fields: ReadonlyMap<string, string>): string | undefined {
  const status = fields.get(':status');
  if (status?.startsWith('1') === true) return undefined;
  const words: string[] = [];
  if (status !== undefined) words.push(status);
  const grpcStatus = fields.get('grpc-status');
  if (grpcStatus !== undefined) words.push(grpcStatus === '0' ? 'ok' : 'failed');
  if (fields.has('x-t')) words.push('x-t');
  return words.join(' ');
}
