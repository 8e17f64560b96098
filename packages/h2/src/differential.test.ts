import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientPreface, Flag, FrameType, SettingId, writeFrameHeader } from './frames.ts';
import { GrpcServer } from './grpc/server.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { HeaderField } from './hpack/header-field.ts';
import { settingsPayload } from './settings.ts';
import { EchoService } from './testing/echo-service.ts';
import { FramePeer } from './testing/frame-peer.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { memoryDuplexPair } from './testing/memory-duplex.ts';
import { callFields, framed } from './testing/server-harness.ts';

/*
 * The same bytes for this server and for one on node:http2. What is right must give the same answers;
 * what is broken must do no harm: no exception, nothing left behind, nobody else disturbed, and no answer
 * that the other would contradict. KVORUM_H2_FUZZ_RUNS makes it as long as wanted.
 */
const runs = Number(process.env.KVORUM_H2_FUZZ_RUNS ?? 60);

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

type Step =
  | { readonly kind: 'call'; readonly body: number; readonly cuts: number[]; readonly pad: number }
  | { readonly kind: 'settings'; readonly window: number; readonly table: number }
  | { readonly kind: 'ping' | 'priority' | 'unknown' | 'window' };

type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'drop' | 'double' | 'cut'; readonly at: number }
  | { readonly kind: 'flags' | 'type' | 'stream'; readonly at: number; readonly to: number }
  | { readonly kind: 'swap'; readonly at: number; readonly with: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      // Ten of them, with padding, fit the window that node:http2 begins with.
      body: fc.integer({ min: 0, max: 5000 }),
      cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
      pad: fc.nat(255),
    }),
  },
  fc.record({
    kind: fc.constant('settings' as const),
    window: fc.constantFrom(65_535, 100_000, 1_000_000),
    table: fc.constantFrom(0, 100, 4096, 8192),
  }),
  fc.record({ kind: fc.constantFrom('ping', 'priority', 'unknown', 'window') }),
);

const index = fc.nat(200);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(50_000), bit: fc.nat(7) }),
  fc.record({
    kind: fc.constantFrom('drop' as const, 'double' as const, 'cut' as const),
    at: index,
  }),
  fc.record({
    kind: fc.constantFrom('flags' as const, 'type' as const, 'stream' as const),
    at: index,
    to: fc.nat(12),
  }),
  fc.record({ kind: fc.constant('swap' as const), at: index, with: index }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: index,
    bytes: fc.uint8Array({ maxLength: 40 }),
  }),
);

/** The frames of a well-behaved client. */
function framesOf(steps: readonly Step[]): Frame[] {
  const encoder = new HpackEncoder();
  const block = callFields().map(([name, value]) => new HeaderField(name, value));
  const frames = [
    frame(FrameType.settings, 0, 0),
    frame(FrameType.windowUpdate, 0, 0, Buffer.from([0, 0x10, 0, 0])),
  ];
  let streamId = 1;
  for (const current of steps) {
    switch (current.kind) {
      case 'call':
        frames.push(...call(streamId, Buffer.from(encoder.encode(block)), current));
        streamId += 2;
        break;
      case 'settings':
        frames.push(
          frame(
            FrameType.settings,
            0,
            0,
            settingsPayload([
              [SettingId.initialWindowSize, current.window],
              [SettingId.headerTableSize, current.table],
            ]),
          ),
        );
        break;
      case 'ping':
        frames.push(frame(FrameType.ping, 0, 0, Buffer.alloc(8, 1)));
        break;
      case 'priority':
        frames.push(frame(FrameType.priority, 0, streamId, Buffer.alloc(5, 1)));
        break;
      case 'unknown':
        frames.push(frame(0xbe, 0xff, streamId, Buffer.alloc(3)));
        break;
      case 'window':
        frames.push(frame(FrameType.windowUpdate, 0, 0, Buffer.from([0, 1, 0, 0])));
        break;
    }
  }
  return frames;
}

function call(streamId: number, block: Buffer, how: Extract<Step, { kind: 'call' }>): Frame[] {
  const middle = block.length >> 1;
  const frames = [
    frame(FrameType.headers, 0, streamId, block.subarray(0, middle)),
    frame(FrameType.continuation, Flag.endHeaders, streamId, block.subarray(middle)),
  ];
  let rest = framed(Buffer.alloc(how.body, streamId));
  for (const cut of how.cuts) {
    const piece = rest.subarray(0, Math.min(cut, rest.length));
    rest = rest.subarray(piece.length);
    if (piece.length > 0) frames.push(data(streamId, piece, how.pad));
  }
  while (rest.length > 16_000) {
    frames.push(frame(FrameType.data, 0, streamId, rest.subarray(0, 16_000)));
    rest = rest.subarray(16_000);
  }
  frames.push(frame(FrameType.data, Flag.endStream, streamId, rest));
  return frames;
}

function data(streamId: number, piece: Buffer, pad: number): Frame {
  const payload = Buffer.concat([Buffer.from([pad]), piece, Buffer.alloc(pad)]);
  return frame(FrameType.data, Flag.padded, streamId, payload);
}

function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
): Frame {
  return { type, flags, streamId, payload: Buffer.from(payload) };
}

function serialize({ type, flags, streamId, payload }: Frame): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, streamId);
  bytes.set(payload, 9);
  return bytes;
}

function mutate(frames: readonly Frame[], mutations: readonly Mutation[]): Buffer {
  const list: (Frame | Buffer)[] = [...frames];
  for (const change of mutations) {
    if (change.kind === 'flip') continue;
    const at = change.at % list.length;
    const target = list[at] as Frame | Buffer;
    if (change.kind === 'insert') list.splice(at, 0, Buffer.from(change.bytes));
    else if (change.kind === 'drop') list.splice(at, 1);
    else if (change.kind === 'double') list.splice(at, 0, target);
    else if (change.kind === 'swap') {
      const other = change.with % list.length;
      list[at] = list[other] as Frame | Buffer;
      list[other] = target;
    } else if (!Buffer.isBuffer(target)) {
      list[at] = mutateFrame(target, change);
    }
    if (list.length === 0) break;
  }
  const bytes = Buffer.concat(list.map((item) => (Buffer.isBuffer(item) ? item : serialize(item))));
  for (const change of mutations) {
    if (change.kind !== 'flip' || bytes.length === 0) continue;
    const at = change.at % bytes.length;
    bytes[at] = (bytes[at] as number) ^ (1 << change.bit);
  }
  return bytes;
}

function mutateFrame(target: Frame, change: Exclude<Mutation, { kind: 'flip' | 'insert' }>): Frame {
  if (change.kind === 'cut') return { ...target, payload: target.payload.subarray(1) };
  if (change.kind === 'flags') return { ...target, flags: target.flags ^ (1 << (change.to % 8)) };
  if (change.kind === 'type') return { ...target, type: change.to };
  if (change.kind === 'stream') return { ...target, streamId: change.to };
  return target;
}

/** Statuses and body of each stream that was answered to the end. */
function answersOf(peer: FramePeer): Map<number, string> {
  const open = new Map<number, { statuses: string; body: string }>();
  const answers = new Map<number, string>();
  for (const received of peer.frames) {
    const { type, flags, streamId, payload } = received;
    if (type !== FrameType.headers && type !== FrameType.data) continue;
    const answer = open.get(streamId) ?? { statuses: '', body: '' };
    open.set(streamId, answer);
    if (type === FrameType.data) {
      answer.body += payload.toString('hex');
    } else {
      const fields = peer.decode(received);
      answer.statuses += ` ${fields.get(':status') ?? ''} ${fields.get('grpc-status') ?? ''}`;
    }
    if ((flags & Flag.endStream) !== 0) answers.set(streamId, `${answer.statuses} ${answer.body}`);
  }
  return answers;
}

/** Streams that were answered to the end, so far. */
function answerCount(peer: FramePeer): number {
  const isEnd = (type: number, flags: number): boolean =>
    (type === FrameType.headers || type === FrameType.data) && (flags & Flag.endStream) !== 0;
  return peer.frames.filter(({ type, flags }) => isEnd(type, flags)).length;
}

/** Sends the bytes in pieces; waits for so many answers or, without a number, until no more comes. */
async function exchange(
  stream: Duplex,
  bytes: Buffer,
  pieceBytes: number,
  expected?: number,
): Promise<FramePeer> {
  const peer = new FramePeer(stream);
  peer.write(clientPreface);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    peer.write(bytes.subarray(at, at + pieceBytes));
  }
  let quiet = 0;
  let seen = -1;
  const isDone = (): boolean =>
    expected === undefined ? quiet >= 12 : answerCount(peer) >= expected;
  while (!isDone() && !peer.isEnded) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = peer.frames.length === seen ? quiet + 1 : 0;
    seen = peer.frames.length;
  }
  return peer;
}

function newNodeServer(): http2.Http2Server {
  const server = http2.createServer({ settings: { initialWindowSize: 1 << 20 } });
  server.on('sessionError', () => {});
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => {
      if (stream.destroyed || stream.aborted) return;
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      // What follows the first message is not looked at.
      const body = Buffer.concat(chunks);
      stream.end(body.length < 5 ? body : body.subarray(0, 5 + body.readUInt32BE(1)));
    });
  });
  return server;
}

async function runOnOurs(
  bytes: Buffer,
  pieceBytes: number,
  expected?: number,
): Promise<Map<number, string>> {
  const server = new GrpcServer({ methods: new EchoService().methods, clock: new ManualClock() });
  const [near, far] = memoryDuplexPair();
  const [nearOther, farOther] = memoryDuplexPair();
  const other = new FramePeer(farOther);
  server.accept(nearOther);
  other.greet();
  const connection = server.accept(near);
  const peer = await exchange(far, bytes, pieceBytes, expected);
  // Whatever happened there, the neighbour is served as ever.
  other.sendHeaders(1, callFields());
  other.send(FrameType.data, Flag.endStream, 1, framed('neighbour'));
  const echoed = await other.find(
    ({ type, payload }) => type === FrameType.data && payload.equals(framed('neighbour')),
  );
  expect(echoed).toBeDefined();
  peer.hangUp();
  other.hangUp();
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(connection.activeStreams).toBe(0);
  expect(server.connectionCount).toBe(0);
  return answersOf(peer);
}

async function runOnNode(
  bytes: Buffer,
  pieceBytes: number,
  expected?: number,
): Promise<Map<number, string>> {
  const server = newNodeServer();
  const [near, far] = memoryDuplexPair();
  near.on('error', () => {});
  server.emit('connection', near);
  const peer = await exchange(far, bytes, pieceBytes, expected);
  peer.hangUp();
  return answersOf(peer);
}

const pieces = fc.constantFrom(1_000_000, 1000, 77, 9);

describe('beside node:http2', () => {
  it('what is right gives the same answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), pieces, async (steps, pieceBytes) => {
        const bytes = Buffer.concat(framesOf(steps).map(serialize));
        const calls = steps.filter(({ kind }) => kind === 'call').length;
        const piece = Math.max(pieceBytes, bytes.length >> 9);
        const ours = await runOnOurs(bytes, piece, calls);
        const theirs = await runOnNode(bytes, piece, calls);
        expect(ours.size).toBe(calls);
        expect([...ours].sort()).toEqual([...theirs].sort());
      }),
      { numRuns: runs },
    );
  });

  it('what is broken does no harm, and is not answered differently', async () => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
    const traffic = fc.array(step, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(traffic, mutations, pieces, async (steps, changes, pieceBytes) => {
        const bytes = mutate(framesOf(steps), changes);
        const piece = Math.max(pieceBytes, bytes.length >> 9);
        const ours = await runOnOurs(bytes, piece);
        const theirs = await runOnNode(bytes, piece);
        for (const [streamId, answer] of ours) {
          const other = theirs.get(streamId);
          const isPlainAnswer = answer.startsWith(' 200 ') && answer.includes(' 0 ');
          if (isPlainAnswer && other !== undefined) expect(other).toBe(answer);
        }
      }),
      { numRuns: runs },
    );
  });
});
