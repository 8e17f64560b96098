import type { ClientHttp2Stream } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '@kvorum/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { eventually } from '../framework/eventually.ts';
import { startEtcd, startKvorum, type TestMember } from '../framework/member.ts';
import { grpcFrame, RawConnection, type RawRequest } from '../framework/raw-http2.ts';
import { realEtcd } from '../framework/real-etcd.ts';

// What no library sends: each server gets it on one connection, refuses it with the same status, and goes on with a
// watch on that connection.

const real = realEtcd('3.5');

const range = '/etcdserverpb.KV/Range';
const put = '/etcdserverpb.KV/Put';
const watch = '/etcdserverpb.Watch/Watch';
const keepAlive = '/etcdserverpb.Lease/LeaseKeepAlive';
/** A RangeRequest for the key "a". */
const good = Buffer.from([0x0a, 1, 0x61]);
/** A field of 255 bytes, of which there are none. */
const broken = Buffer.from([0x0a, 0xff, 0x01]);

interface Case {
  readonly name: string;
  readonly request: RawRequest;
  /** HTTP status, and gRPC status where the answer is one of gRPC. */
  readonly outcome: string;
  /** What both say. */
  readonly words?: string;
}

const cases: readonly Case[] = [
  { name: 'a good request', request: { path: range, body: grpcFrame(good) }, outcome: '200 0' },
  {
    name: 'a subtype of the content type',
    request: { path: range, contentType: 'application/grpc+proto', body: grpcFrame(good) },
    outcome: '200 0',
  },
  {
    name: 'a message that ends early',
    request: { path: range, body: grpcFrame(broken) },
    outcome: '200 13',
    words: 'grpc: error unmarshalling request: unexpected EOF',
  },
  {
    name: 'a field of another type',
    request: { path: range, body: grpcFrame(Buffer.from([0x08, 1])) },
    outcome: '200 13',
    words: 'grpc: error unmarshalling request: proto: wrong wireType = 0',
  },
  {
    name: 'a field that nobody knows',
    request: { path: range, body: grpcFrame(Buffer.concat([good, Buffer.from([0xf8, 7, 1])])) },
    outcome: '200 0',
  },
  {
    name: 'an empty message',
    request: { path: range, body: grpcFrame(Buffer.alloc(0)) },
    outcome: '200 3',
    words: 'etcdserver: key is not provided',
  },
  {
    name: 'a frame that ends early',
    request: { path: range, body: grpcFrame(good).subarray(0, 7) },
    outcome: '200 2',
    words: 'EOF',
  },
  {
    name: 'a prefix that ends early',
    request: { path: range, body: grpcFrame(good).subarray(0, 3) },
    outcome: '200 2',
    words: 'EOF',
  },
  {
    name: 'no message',
    request: { path: range },
    outcome: '200 2',
    words: 'EOF',
  },
  {
    name: 'two messages',
    request: { path: range, body: Buffer.concat([grpcFrame(good), grpcFrame(good)]) },
    outcome: '200 0',
  },
  {
    name: 'a message said to be compressed, without saying how',
    request: { path: range, body: grpcFrame(good, 1) },
    outcome: '200 13',
    words: 'grpc: compressed flag set with identity or empty encoding',
  },
  {
    name: 'a compression that nobody knows',
    request: { path: range, headers: { 'grpc-encoding': 'snappy' }, body: grpcFrame(good, 1) },
    outcome: '200 12',
    words: 'grpc: Decompressor is not installed for grpc-encoding "snappy"',
  },
  {
    name: 'a message that is not compressed as it says',
    request: { path: range, headers: { 'grpc-encoding': 'gzip' }, body: grpcFrame(good, 1) },
    outcome: '200 13',
    words: 'grpc: failed to decompress the received message',
  },
  {
    name: 'a flag that nobody knows',
    request: { path: range, body: grpcFrame(good, 7) },
    outcome: '200 13',
    words: 'grpc: received unexpected payload format 7',
  },
  {
    name: 'a message beyond the limit',
    request: { path: put, body: grpcFrame(Buffer.alloc(2_097_153, 1)) },
    outcome: '200 8',
    words: 'grpc: received message larger than max (2097153 vs. 2097152)',
  },
  {
    name: 'the announcement of a message beyond the limit',
    request: { path: put, body: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]) },
    outcome: '200 8',
    words: 'grpc: received message larger than max (2147483647 vs. 2097152)',
  },
  {
    name: 'an unknown method',
    request: { path: '/etcdserverpb.KV/Nope', body: grpcFrame(good) },
    outcome: '200 12',
    words: 'unknown method Nope for service etcdserverpb.KV',
  },
  {
    name: 'an unknown service',
    request: { path: '/nope.Nope/Nope', body: grpcFrame(good) },
    outcome: '200 12',
    words: 'unknown service nope.Nope',
  },
  {
    name: 'a path without a method',
    request: { path: '/Nope', body: grpcFrame(good) },
    outcome: '200 12',
    words: 'malformed method name: "/Nope"',
  },
  {
    name: 'another HTTP method',
    request: { method: 'GET', path: range },
    outcome: '405 13',
    words: 'Received a HEADERS frame with :method "GET" which should be POST',
  },
  {
    name: 'a time-out that is none',
    request: { path: range, headers: { 'grpc-timeout': 'soon' }, body: grpcFrame(good) },
    outcome: '400 13',
    words: 'malformed grpc-timeout: strconv.ParseInt: parsing "soo": invalid syntax',
  },
  {
    name: 'binary metadata that is none',
    request: { path: range, headers: { 'x-bin': '!!!' }, body: grpcFrame(good) },
    outcome: '400 13',
    words: 'malformed binary metadata "!!!" in header "x-bin": illegal base64 data at input byte 0',
  },
  {
    name: 'a time-out of nothing',
    request: { path: range, headers: { 'grpc-timeout': '0n' }, body: grpcFrame(good) },
    outcome: '200 4',
    words: 'context deadline exceeded',
  },
  {
    name: 'a broken message on a watch',
    request: { path: watch, body: grpcFrame(broken) },
    outcome: '200 13',
  },
  {
    name: 'a watch whose first frame ends early',
    request: { path: watch, body: grpcFrame(good).subarray(0, 7) },
    outcome: '200 13',
    words: 'unexpected EOF',
  },
  {
    name: 'a broken message among keep-alives',
    request: { path: keepAlive, body: grpcFrame(broken) },
    outcome: '200 13',
  },
  {
    name: 'keep-alives of which the last ends early',
    request: { path: keepAlive, body: grpcFrame(good).subarray(0, 7) },
    outcome: '200 13',
    words: 'unexpected EOF',
  },
  { name: 'no keep-alive at all', request: { path: keepAlive }, outcome: '200 0' },
];

/** A watch of one key, written by hand. */
class RawWatch {
  #received = Buffer.alloc(0);

  constructor(stream: ClientHttp2Stream, key: string) {
    stream.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    const value = { key: Buffer.from(key) };
    const request = create(WatchRequestSchema, {
      requestUnion: { case: 'createRequest', value },
    });
    stream.write(grpcFrame(toBinary(WatchRequestSchema, request)));
  }

  /** Resolves when the answers so far have a text in them. */
  async sees(text: string): Promise<void> {
    await eventually(`${text} on the watch`, () => this.#received.includes(text));
  }

  async opened(): Promise<void> {
    await eventually('the watch', () => this.#received.length > 0);
  }
}

describe.each([
  ['Kvorum', (): Promise<TestMember> => startKvorum()] as const,
  ...(real === undefined ? [] : [['the real etcd', () => startEtcd(real)] as const]),
])('on a connection to %s', (_server, start) => {
  let member: TestMember;
  let connection: RawConnection;
  let undisturbed: RawWatch;

  beforeAll(async () => {
    member = await start();
    connection = new RawConnection(member.url);
    undisturbed = new RawWatch(connection.open({ path: watch }), 'watched');
    await undisturbed.opened();
  });

  afterAll(async () => {
    connection[Symbol.dispose]();
    await member[Symbol.asyncDispose]();
  });

  it.each(cases)('$name gets its answer and harms no other call', async (one) => {
    const answer = await connection.call(one.request);
    expect(`${answer.httpStatus} ${answer.grpcStatus}`).toBe(one.outcome);
    expect(answer.grpcMessage).toContain(one.words ?? '');
    expect(connection.hasEnded).toBe(false);

    using client = new TestClient(member.url);
    await client.kv.put({ key: Buffer.from('watched'), value: Buffer.from(`after ${one.name}.`) });
    await undisturbed.sees(`after ${one.name}.`);
  });
});
