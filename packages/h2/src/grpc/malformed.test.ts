import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Flag, FrameType } from '../frames.ts';
import { callFields, framed, ServerHarness } from '../testing/server-harness.ts';

/*
 * Calls that no client library sends, with the answers of grpc-go, taken from etcd 3.5.16: the client's
 * HTTP status, content type, gRPC status and message.
 */

interface Case {
  readonly name: string;
  /** Header fields that differ from those of a good call. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Default: one good message. */
  readonly body?: Uint8Array;
  readonly http?: number;
  readonly type?: string;
  readonly status: number;
  /** Words that the message has. */
  readonly text?: string;
}

const good = framed('a');
const plain = 'application/grpc';
const bin = (value: string, at: number): Omit<Case, 'name'> => ({
  fields: { 'x-bin': value },
  http: 400,
  status: 13,
  text: `malformed binary metadata "${value}" in header "x-bin": illegal base64 data at input byte ${at}`,
});
const timeout = (value: string, words: string): Omit<Case, 'name'> => ({
  fields: { 'grpc-timeout': value },
  http: 400,
  status: 13,
  text: `malformed grpc-timeout: transport: ${words}: "${value}"`,
});
const type = (value: string, answer = value): Case => ({
  name: value,
  fields: { 'content-type': value },
  type: answer,
  status: 0,
});

const contentTypes: readonly Case[] = [
  type('application/grpc'),
  type('application/grpc+proto'),
  type('application/grpc+json'),
  type('application/grpc+foo'),
  type('application/grpc+proto;charset=utf-8', 'application/grpc+proto'),
  type('application/grpc; charset=utf-8', 'application/grpc'),
  { ...type('application/grpc+proto'), name: 'to an unknown method', method: 'No', status: 12 },
  { ...type('application/grpc+foo'), name: 'to a failing call', method: 'Fail', status: 11 },
];

const messages: readonly Case[] = [
  { name: 'no message', body: Buffer.alloc(0), status: 2, text: 'EOF' },
  { name: 'a cut message', body: good.subarray(0, 5), status: 2, text: 'unexpected EOF' },
  { name: 'a cut prefix', body: good.subarray(0, 3), status: 2, text: 'unexpected EOF' },
  { name: 'two messages', body: Buffer.concat([good, framed('b')]), status: 0 },
  { name: 'a message and a cut one', body: Buffer.concat([good, good.subarray(0, 2)]), status: 0 },
  {
    name: 'too large a message',
    body: Buffer.from([0, 0x7f, 0, 0, 0]),
    status: 8,
    text: 'grpc: received message larger than max (2130706432 vs. 2097152)',
  },
  {
    name: 'a flag that does not exist',
    body: framed('a', 2),
    status: 13,
    text: 'grpc: received unexpected payload format 2',
  },
  {
    name: 'a message of a stream, cut',
    method: 'Stream',
    body: good.subarray(0, 3),
    status: 13,
    text: 'unexpected EOF',
  },
  {
    name: 'a flag that does not exist, on a stream',
    method: 'Stream',
    body: framed('a', 255),
    status: 13,
    text: 'grpc: received unexpected payload format 255',
  },
];

const gzip = { 'grpc-encoding': 'gzip' };

/** A gzipped message with another size at its end. */
function saying(size: number, gzipped: Buffer): Buffer {
  gzipped.writeUInt32LE(size, gzipped.length - 4);
  return gzipped;
}
const compressions: readonly Case[] = [
  {
    name: 'a compressed message without encoding',
    body: framed('a', 1),
    status: 13,
    text: 'grpc: compressed flag set with identity or empty encoding',
  },
  {
    name: 'a compressed message with the encoding identity',
    fields: { 'grpc-encoding': 'identity' },
    body: framed('a', 1),
    status: 13,
    text: 'grpc: compressed flag set with identity or empty encoding',
  },
  { name: 'gzip', fields: gzip, body: framed(gzipSync('a'), 1), status: 0 },
  { name: 'gzip announced and not used', fields: gzip, status: 0 },
  {
    name: 'broken gzip',
    fields: gzip,
    body: framed('a', 1),
    status: 13,
    text: 'grpc: failed to decompress the received message',
  },
  {
    name: 'cut gzip',
    fields: gzip,
    body: framed(gzipSync('a').subarray(0, 15), 1),
    status: 13,
    text: 'grpc: failed to decompress the received message',
  },
  {
    name: 'a gzip bomb',
    fields: gzip,
    body: framed(gzipSync(Buffer.alloc(20 * 1024 * 1024)), 1),
    status: 8,
    text: 'grpc: received message after decompression larger than max',
  },
  {
    name: 'a gzip bomb that says it is small',
    fields: gzip,
    body: framed(saying(1000, gzipSync(Buffer.alloc(20 * 1024 * 1024))), 1),
    status: 13,
    text: 'grpc: failed to decompress the received message',
  },
  {
    name: 'a gzip bomb on a stream',
    method: 'Stream',
    fields: gzip,
    body: framed(gzipSync(Buffer.alloc(20 * 1024 * 1024)), 1),
    status: 8,
    text: 'grpc: received message after decompression larger than max',
  },
  {
    name: 'an unknown encoding',
    fields: { 'grpc-encoding': 'snappy' },
    status: 12,
    text: 'grpc: Decompressor is not installed for grpc-encoding "snappy"',
  },
];

const fields: readonly Case[] = [
  { name: 'binary metadata', ...bin('!!!', 0) },
  { name: 'binary metadata of six bits', ...bin('A', 0) },
  { name: 'binary metadata with half its padding', ...bin('AA=', 2) },
  { name: 'binary metadata with a blank', ...bin('AA AA', 2) },
  { name: 'padded binary metadata', fields: { 'x-bin': 'AAA=' }, status: 0 },
  { name: 'unpadded binary metadata', fields: { 'x-bin': 'AAA' }, status: 0 },
  { name: 'empty binary metadata', fields: { 'x-bin': '' }, status: 0 },
  // grpc-go refuses this one, which gRPC allows.
  { name: 'joined binary metadata', fields: { 'x-bin': 'AAA,AAA=' }, status: 0 },
  { name: 'a timeout', ...timeout('1x', 'timeout unit is not recognized') },
  { name: 'a timeout of nine digits', ...timeout('123456789S', 'timeout string is too long') },
  { name: 'an empty timeout', ...timeout('', 'timeout string is too short') },
  {
    name: 'another method than POST',
    fields: { ':method': 'PUT' },
    http: 405,
    status: 13,
    text: 'Received a HEADERS frame with :method "PUT" which should be POST',
  },
  {
    name: 'a path without a method',
    fields: { ':path': '/Nope' },
    status: 12,
    text: 'malformed method name: "/Nope"',
  },
  {
    name: 'another content type',
    fields: { 'content-type': 'application/grpc-web' },
    http: 415,
    status: 3,
    text: 'invalid gRPC request content-type "application/grpc-web"',
  },
];

describe.each([
  { what: 'a content type', cases: contentTypes },
  { what: 'a body', cases: messages },
  { what: 'a compression', cases: compressions },
  { what: 'a header field', cases: fields },
])('$what is answered as by grpc-go', ({ cases }) => {
  it.each(cases)('$name', async (one) => {
    const harness = new ServerHarness();
    const { peer } = harness;
    peer.greet();
    const changes = one.fields ?? {};
    const kept = callFields(one.method).map(([name, value]) => [name, changes[name] ?? value]);
    const added = Object.entries(changes).filter(([name]) => kept.every(([key]) => key !== name));
    peer.sendHeaders(1, [...kept, ...added] as [string, string][]);
    const body = one.body ?? good;
    for (let at = 0; at < body.length; at += 16_000) {
      peer.send(FrameType.data, 0, 1, body.subarray(at, at + 16_000));
    }
    peer.send(FrameType.data, Flag.endStream, 1, []);
    await harness.end(1);
    const answer = new Map<string, string>();
    for (const frame of peer.frames) {
      if (frame.type !== FrameType.headers) continue;
      for (const [name, value] of peer.decode(frame)) answer.set(name, value);
    }
    expect([answer.get(':status'), answer.get('content-type')]).toEqual([
      String(one.http ?? 200),
      one.type ?? plain,
    ]);
    expect([
      answer.get('grpc-status'),
      decodeURIComponent(answer.get('grpc-message') ?? ''),
    ]).toEqual([String(one.status), expect.stringContaining(one.text ?? '')]);
    expect(answer.get('grpc-accept-encoding')).toBe(
      one.name === 'an unknown encoding' ? 'identity,gzip' : undefined,
    );
    expect(await harness.canCall(3)).toBe(true);
  });
});
