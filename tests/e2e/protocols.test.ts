import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import * as api from '@kvorum/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, within } from '../framework/eventually.ts';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { RunningProgram } from '../framework/process.ts';
import { grpcFrame, RawConnection, type RawRequest } from '../framework/raw-http2.ts';
import { systemProgram } from '../framework/real-etcd.ts';
import { Bystander } from './bystander.ts';
import { allDialects, type Dialect, dialects, duplexDialects, transportOver } from './dialects.ts';

// One port speaks gRPC, gRPC-Web, Connect and plain HTTP, over HTTP/1.1 and HTTP/2. Everything here runs against both
// of the server's HTTP/2 implementations, with a watch and a writer beside it that nothing may disturb.

const KV = '/etcdserverpb.KV';
const WATCH = '/etcdserverpb.Watch/Watch';
const KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

/** A RangeRequest for the key `a`. */
const RANGE_A = Uint8Array.of(0x0a, 1, 0x61);
/** A WatchRequest that creates a watcher of the key `a`. */
const WATCH_A = Uint8Array.of(0x0a, 3, 0x0a, 1, 0x61);
/** Field 1 says that 127 bytes follow; none do. */
const BROKEN = Uint8Array.of(0x0a, 0x7f);

const curl = systemProgram('curl');

/** What a client that behaves badly is told: HTTP status, gRPC status, text. */
type Told = readonly [number, number | undefined, string | RegExp];

interface BadRequest extends Omit<RawRequest, 'path'> {
  readonly path?: string;
}

const unmarshalling = (type: 'unary' | 'stream') =>
  type === 'unary'
    ? /^grpc: error unmarshalling request: \S/
    : /^grpc: failed to unmarshal the received message: \S/;

/** A frame whose prefix promises `length` bytes. */
function promising(length: number, message: Uint8Array): Buffer {
  const frame = grpcFrame(message);
  frame.writeUInt32BE(length, 1);
  return frame;
}

const tooLarge = 'grpc: received message larger than max (2097153 vs. 2097152)';
const noCompression = 'grpc: compressed flag set with identity or empty encoding';

/** Requests that are answered with a refusal, and the refusal. The path is that of Range unless it is given. */
const refused: Readonly<Record<string, readonly [BadRequest, Told]>> = {
  'a unary message that is no protobuf': [
    { body: grpcFrame(BROKEN) },
    [200, Code.Internal, unmarshalling('unary')],
  ],
  'a put with a field number of zero': [
    { path: `${KV}/Put`, body: grpcFrame(Uint8Array.of(0, 5)) },
    [200, Code.Internal, unmarshalling('unary')],
  ],
  'a varint without an end': [
    { body: grpcFrame(new Uint8Array(20).fill(0xff)) },
    [200, Code.Internal, unmarshalling('unary')],
  ],
  'a field of another type': [
    { body: grpcFrame(Uint8Array.of(0x08, 1)) },
    [200, Code.Internal, unmarshalling('unary')],
  ],
  'a watch request that is no protobuf': [
    { path: WATCH, body: grpcFrame(BROKEN) },
    [200, Code.Internal, unmarshalling('stream')],
  ],
  'a keep-alive that is no protobuf': [
    { path: KEEP_ALIVE, body: grpcFrame(Uint8Array.of(0x08, 0xff)) },
    [200, Code.Internal, unmarshalling('stream')],
  ],
  'a message that ends too early': [
    { body: promising(100, RANGE_A) },
    [200, Code.Unknown, 'unexpected EOF'],
  ],
  'a message that ends within its prefix': [
    { body: Uint8Array.of(0, 0, 0) },
    [200, Code.Unknown, 'unexpected EOF'],
  ],
  'a watch request that ends too early': [
    { path: WATCH, body: promising(100, WATCH_A) },
    [200, Code.Internal, 'unexpected EOF'],
  ],
  'a message one byte over the limit': [
    { body: promising(2_097_153, RANGE_A) },
    [200, Code.ResourceExhausted, tooLarge],
  ],
  'a watch request one byte over the limit': [
    { path: WATCH, body: promising(2_097_153, WATCH_A) },
    [200, Code.ResourceExhausted, tooLarge],
  ],
  'a message as large as a prefix can say': [
    { body: promising(0xffff_ffff, RANGE_A) },
    [
      200,
      Code.ResourceExhausted,
      'grpc: received message larger than max (4294967295 vs. 2097152)',
    ],
  ],
  'a unary call without a message': [{}, [200, Code.Unknown, 'EOF']],
  'a unary call with two messages': [
    { body: Buffer.concat([grpcFrame(RANGE_A), grpcFrame(RANGE_A)]) },
    [200, 0, ''],
  ],
  'a compressed message without an encoding': [
    { body: grpcFrame(RANGE_A, 1) },
    [200, Code.Internal, noCompression],
  ],
  'a gzip message that is none': [
    { headers: { 'grpc-encoding': 'gzip' }, body: grpcFrame(RANGE_A, 1) },
    [200, Code.Internal, /^grpc: failed to decompress the received message/],
  ],
  'an encoding that nobody knows': [
    { headers: { 'grpc-encoding': 'snappy' }, body: grpcFrame(RANGE_A, 1) },
    [200, Code.Unimplemented, 'grpc: Decompressor is not installed for grpc-encoding "snappy"'],
  ],
  'a method that the service has not': [
    { path: `${KV}/Nope`, body: grpcFrame(RANGE_A) },
    [200, Code.Unimplemented, 'unknown method Nope for service etcdserverpb.KV'],
  ],
  'a service that the server has not': [
    { path: '/a.B/C', body: grpcFrame(RANGE_A) },
    [200, Code.Unimplemented, 'unknown service a.B'],
  ],
  'a path that names no method': [
    { path: '/nope', body: grpcFrame(RANGE_A) },
    [200, Code.Unimplemented, 'malformed method name: "/nope"'],
  ],
  'a content type of another protocol': [
    { contentType: 'text/plain', body: grpcFrame(RANGE_A) },
    [415, undefined, ''],
  ],
  'a content type that only begins like gRPC': [
    { contentType: 'application/grpcx', body: grpcFrame(RANGE_A) },
    [415, undefined, ''],
  ],
  'a GET': [
    { method: 'GET' },
    [405, Code.Internal, 'Received a HEADERS frame with :method "GET" which should be POST'],
  ],
  'a PUT': [
    { method: 'PUT', body: grpcFrame(RANGE_A) },
    [405, Code.Internal, 'Received a HEADERS frame with :method "PUT" which should be POST'],
  ],
  'a deadline that is no time': [
    { headers: { 'grpc-timeout': 'soon' }, body: grpcFrame(RANGE_A) },
    [400, Code.Internal, /^malformed grpc-timeout: /],
  ],
};

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/** What opens a connection that the server must end. */
const garbage: Readonly<Record<string, Uint8Array>> = {
  'bytes of no protocol': Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 37) % 256)),
  'the hello of TLS': Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4]),
  'a preface that goes astray': bytes('PRI * HTTP/3.0\r\n\r\n'),
  'a preface followed by text': bytes(`${PREFACE}GET / HTTP/1.1\r\n\r\n and so on and so forth`),
  'a frame of 16 MiB': Buffer.concat([
    bytes(PREFACE),
    Uint8Array.from([...SETTINGS, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
  ]),
  'headers that cannot be decompressed': Buffer.concat([
    bytes(PREFACE),
    Uint8Array.from([...SETTINGS, 0, 0, 4, 1, 5, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
  ]),
  'data on no stream': Buffer.concat([
    bytes(PREFACE),
    Uint8Array.from([...SETTINGS, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
  ]),
};

/** What opens a connection that then says no more. */
const halfOpen: readonly string[] = [
  '',
  'PR',
  PREFACE.slice(0, 20),
  PREFACE,
  'POST /etcdserverpb.KV/Range HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\n',
  'POST /etcdserverpb.KV/Put HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\ncontent-length: 9\r\n\r\n',
];

/** Opens a connection and says something on it; what comes back is thrown away. */
async function openSocket(member: TestMember, opening: Uint8Array | string): Promise<Socket> {
  const [host, port] = member.endpoint.split(':');
  const socket = connectSocket(Number(port), host);
  socket.on('error', () => {});
  socket.resume();
  await within('a connection', new Promise<void>((resolve) => socket.once('connect', resolve)));
  socket.write(opening);
  return socket;
}

describe.each(['h2', 'node-http2'])('a server with the transport %s', (kind) => {
  let member: TestMember;
  /** For raw requests; one of the bystanders shares it. */
  let connection: RawConnection;
  let apart: Dialect;
  let bystanders: readonly Bystander[] = [];

  beforeAll(async () => {
    member = await startKvorum({
      flags: [`--kvorum-transport=${kind}`, '--kvorum-cache-bytes=4000000', '--unsafe-no-fsync'],
    });
    connection = new RawConnection(member.url);
    apart = dialects['gRPC over HTTP/2'](member.url);
    bystanders = [
      new Bystander(transportOver(connection, member.url), 'bystander/same'),
      new Bystander(apart.transport, 'bystander/apart'),
    ];
    await othersGoOn();
  });

  afterAll(async () => {
    await using _ = member;
    using __ = connection;
    using ___ = apart;
    for (const bystander of bystanders) await bystander.stop();
    expect((await fetch(`${member.url}/health`)).status).toBe(200);
    expect(await member.stop()).toEqual({ code: 0, signal: null });
    const grave = /"level":"(error|dpanic|panic|fatal)"|uncaught|unhandled/i;
    expect(member.process.stderr.lines.filter((line) => grave.test(line))).toEqual([]);
  });

  async function othersGoOn(): Promise<void> {
    await Promise.all(bystanders.map((bystander) => bystander.goesOn()));
  }

  async function watcherCount(): Promise<number> {
    return (await member.metric('etcd_debugging_mvcc_watcher_total')) ?? 0;
  }

  function clientOf<Service extends DescService>(service: Service) {
    return createClient(service, apart.transport);
  }

  describe.each(allDialects)('spoken to with %s', (name) => {
    it('serves keys, transactions and leases', async () => {
      using dialect = dialects[name](member.url);
      const kv = createClient(api.KV, dialect.transport);
      const lease = createClient(api.Lease, dialect.transport);
      const key = bytes(name);
      const { ID } = await lease.leaseGrant({ TTL: 600n });
      const put = await kv.put({ key, value: bytes('\0 \xff'), lease: ID });
      const { kvs, header } = await kv.range({ key });
      expect(kvs.map((pair) => [text(pair.key), text(pair.value), pair.lease])).toEqual([
        [name, '\0 \xff', ID],
      ]);
      expect(header?.revision).toBeGreaterThanOrEqual(put.header?.revision ?? 0n);
      expect(header?.clusterId).toBeGreaterThan(2n ** 53n);
      const txn = await kv.txn({
        compare: [{ key, targetUnion: { case: 'version', value: 1n } }],
        success: [{ request: { case: 'requestDeleteRange', value: { key, prevKv: true } } }],
      });
      expect([txn.succeeded, txn.responses[0]?.response.case]).toEqual([
        true,
        'responseDeleteRange',
      ]);
      expect((await lease.leaseTimeToLive({ ID })).grantedTTL).toBe(600n);
      await lease.leaseRevoke({ ID });
    });

    it('tells errors with code and text', async () => {
      using dialect = dialects[name](member.url);
      const kv = createClient(api.KV, dialect.transport);
      await expect(kv.put({ value: bytes('v') })).rejects.toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: 'etcdserver: key is not provided',
      });
      await expect(kv.range({ key: bytes('k'), revision: 1n << 40n })).rejects.toMatchObject({
        code: Code.OutOfRange,
        rawMessage: 'etcdserver: mvcc: required revision is a future revision',
      });
      await expect(kv.put({ key: bytes('k'), lease: 99n })).rejects.toMatchObject({
        code: Code.NotFound,
        rawMessage: 'etcdserver: requested lease not found',
      });
    });

    it('streams a large range in pieces', async () => {
      using dialect = dialects[name](member.url);
      const kv = createClient(api.KV, dialect.transport);
      const value = new Uint8Array(400_000).fill(0x76);
      for (let i = 0; i < 4; i++) await kv.put({ key: bytes(`large/${i}`), value });
      const keys: string[] = [];
      const range = { key: bytes('large/'), rangeEnd: bytes('large0') };
      for await (const { rangeResponse } of kv.rangeStream(range)) {
        for (const pair of rangeResponse?.kvs ?? []) keys.push(text(pair.key));
      }
      expect(keys).toEqual(['large/0', 'large/1', 'large/2', 'large/3']);
    });
  });

  it.each(duplexDialects)('watches and keeps leases alive with %s', async (name) => {
    using dialect = dialects[name](member.url);
    const lease = createClient(api.Lease, dialect.transport);
    const { ID } = await lease.leaseGrant({ TTL: 600n });
    async function* renewals() {
      yield { ID };
      yield { ID };
    }
    const renewed: bigint[] = [];
    for await (const { TTL } of lease.leaseKeepAlive(renewals())) renewed.push(TTL);
    expect(renewed).toEqual([600n, 600n]);
    await lease.leaseRevoke({ ID });
    const bystander = new Bystander(dialect.transport, `bystander/${name}`);
    await bystander.goesOn();
    await bystander.stop();
  });

  it.each(['Connect over HTTP/1.1', 'gRPC-Web over HTTP/1.1'] as const)(
    'refuses a watch with %s, which cannot send both ways at once',
    async (name) => {
      using dialect = dialects[name](member.url);
      async function* create() {
        yield { requestUnion: { case: 'createRequest' as const, value: { key: bytes('k') } } };
      }
      const consume = async () => {
        const watch = createClient(api.Watch, dialect.transport).watch(create());
        for await (const _ of watch) return;
      };
      await expect(within('the refusal', consume())).rejects.toBeInstanceOf(ConnectError);
    },
  );

  it('answers plain HTTP beside it, over HTTP/1.1 and HTTP/2', async () => {
    const pages = {
      '/health': /^\{"health":"true","reason":""\}$/,
      '/livez': /^ok\n$/,
      '/readyz?verbose': /\[\+\]linearizable_read ok\n/,
      '/version': /^\{"etcdserver":"3\.7\.1","etcdcluster":"3\.7\.0","storage":"3\.7\.0"\}$/,
      '/metrics': /^etcd_server_has_leader 1$/m,
    };
    for (const [path, content] of Object.entries(pages)) {
      const page = await fetch(member.url + path);
      expect([path, page.status]).toEqual([path, 200]);
      expect(await page.text()).toMatch(content);
      const overH2 = await connection.call({ method: 'GET', path, contentType: '' });
      expect([path, overH2.httpStatus]).toEqual([path, 200]);
      expect(overH2.body.toString()).toMatch(content);
    }
    expect((await fetch(`${member.url}/no/such/page`)).status).toBe(404);
    expect((await fetch(`${member.url}/health`, { method: 'POST' })).status).toBe(405);
    expect(
      (await connection.call({ method: 'GET', path: '/no/such/page', contentType: '' })).httpStatus,
    ).toBe(404);
  });

  it('lets pages of other origins call it', async () => {
    const preflight = await fetch(`${member.url}${KV}/Range`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.org',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,connect-protocol-version',
      },
    });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('connect-protocol');
    const call = await fetch(`${member.url}${KV}/Range`, {
      method: 'POST',
      headers: { origin: 'https://example.org', 'content-type': 'application/json' },
      body: '{"key":"YQ=="}',
    });
    expect([call.status, call.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(call.headers.get('access-control-expose-headers')).toContain('grpc-status');
  });

  it('says that it is healthy through the service for that', async () => {
    const health = clientOf(api.health.Health);
    const { SERVING, SERVICE_UNKNOWN } = api.health.HealthCheckResponse_ServingStatus;
    expect((await health.check({})).status).toBe(SERVING);
    await expect(health.check({ service: 'nope' })).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: 'unknown service',
    });
    const { statuses } = await health.list({});
    expect(Object.entries(statuses).map(([name, one]) => [name, one.status])).toEqual([
      ['', SERVING],
    ]);
    for (const [service, expected] of [
      ['', SERVING],
      ['nope', SERVICE_UNKNOWN],
    ] as const) {
      const stop = new AbortController();
      for await (const { status } of health.watch({ service }, { signal: stop.signal })) {
        expect(status).toBe(expected);
        break;
      }
      stop.abort();
    }
  });

  it.each([
    ['v1', api.reflectionV1.ServerReflection],
    ['v1alpha', api.reflectionV1alpha.ServerReflection],
  ] as const)('describes its services through reflection %s', async (_, service) => {
    const reflection = createClient(
      service as typeof api.reflectionV1.ServerReflection,
      apart.transport,
    );
    async function* questions() {
      yield { messageRequest: { case: 'listServices' as const, value: '' } };
      const symbol = 'etcdserverpb.KV.Range';
      yield { messageRequest: { case: 'fileContainingSymbol' as const, value: symbol } };
      yield { messageRequest: { case: 'fileContainingSymbol' as const, value: 'no.Such' } };
    }
    const answers: (readonly [string | undefined, string])[] = [];
    for await (const { messageResponse: one } of reflection.serverReflectionInfo(questions())) {
      if (one.case === 'listServicesResponse') {
        answers.push([one.case, one.value.service.map(({ name }) => name).join()]);
      } else if (one.case === 'fileDescriptorResponse') {
        answers.push([one.case, one.value.fileDescriptorProto.map(text).join()]);
      } else if (one.case === 'errorResponse') {
        answers.push([one.case, one.value.errorMessage]);
      }
    }
    expect(answers).toEqual([
      ['listServicesResponse', expect.stringContaining('etcdserverpb.KV,')],
      ['fileDescriptorResponse', expect.stringContaining('RangeRequest')],
      ['errorResponse', 'no.Such not found'],
    ]);
  });

  it.each(Object.entries(refused))('refuses %s', async (_, [bad, [http, status, message]]) => {
    const answer = await connection.call({ path: `${KV}/Range`, ...bad });
    expect([answer.httpStatus, answer.grpcStatus]).toEqual([http, status]);
    if (typeof message === 'string') expect(answer.grpcMessage).toBe(message);
    else expect(answer.grpcMessage).toMatch(message);
    await othersGoOn();
  });

  it('refuses a broken message to each of its methods', async () => {
    const told = new Map<string, string>();
    for (const service of api.etcdServices) {
      for (const method of service.methods) {
        // What has no fields isn't looked at.
        if (method.input.fields.length === 0) continue;
        // A tag that ends before it begins.
        const body = grpcFrame(Uint8Array.of(0xff));
        const path = `/${service.typeName}/${method.name}`;
        const answer = await connection.call({ path, body });
        if (answer.grpcStatus === Code.Unimplemented) continue;
        told.set(path, `${answer.grpcStatus} ${answer.grpcMessage.split(':')[0]}`);
      }
    }
    expect(told.size).toBeGreaterThan(15);
    for (const [path, refusal] of told) expect([path, refusal]).toEqual([path, '13 grpc']);
    await othersGoOn();
  });

  it.each(Object.entries(garbage))('ends a connection that opens with %s', async (_, opening) => {
    const socket = await openSocket(member, opening);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await within('the end of the connection', closed);
    await othersGoOn();
  });

  it('is not held up by connections that fall silent', async () => {
    const openings = Array.from({ length: 60 }, (_, i) => halfOpen[i % halfOpen.length] ?? '');
    const sockets = await Promise.all(openings.map((opening) => openSocket(member, opening)));
    await othersGoOn();
    for (const socket of sockets) socket.destroy();
    await othersGoOn();
  });

  it('forgets the watches of clients that hang up or reset', async () => {
    const before = await watcherCount();
    const opened = (from: RawConnection) =>
      Array.from({ length: 50 }, () => from.open({ path: WATCH, body: grpcFrame(WATCH_A) }));
    const lost = new RawConnection(member.url);
    opened(lost);
    const streams = opened(connection);
    await eventually('100 watches', async () => (await watcherCount()) === before + 100);
    lost[Symbol.dispose]();
    for (const stream of streams) stream.close(8);
    await eventually('their end', async () => (await watcherCount()) === before);
    await othersGoOn();
  });

  it('bears calls that are reset before they are answered', async () => {
    for (let i = 0; i < 200; i++) {
      const path = i % 2 === 0 ? `${KV}/Range` : WATCH;
      connection.open({ path, body: grpcFrame(i % 2 === 0 ? RANGE_A : WATCH_A) }).close(8);
    }
    await othersGoOn();
  });

  it('ends calls at their deadline', async () => {
    const deadline = [Code.DeadlineExceeded, 'context deadline exceeded'];
    const headers = { 'grpc-timeout': '50m' };
    const watch = await connection.call({ path: WATCH, headers, body: grpcFrame(WATCH_A) });
    expect([watch.grpcStatus, watch.grpcMessage]).toEqual(deadline);
    const unfinished = connection.open({ path: `${KV}/Range`, headers, body: grpcFrame(RANGE_A) });
    const fields: Record<string, unknown> = {};
    unfinished.on('response', (received) => Object.assign(fields, received));
    unfinished.resume();
    const closed = new Promise((resolve) => unfinished.once('close', resolve));
    await within('the deadline', closed);
    expect([Number(fields['grpc-status']), fields['grpc-message']]).toEqual(deadline);
    await othersGoOn();
  });

  it('refuses what the API limits', async () => {
    const kv = clientOf(api.KV);
    const op = { request: { case: 'requestRange' as const, value: { key: bytes('k') } } };
    const ops = Array.from({ length: 129 }, () => op);
    expect((await kv.txn({ success: ops.slice(1) })).responses).toHaveLength(128);
    await expect(kv.txn({ success: ops })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'etcdserver: too many operations in txn request',
    });
    await othersGoOn();
  });

  it('accepts requests up to a size, and not one byte more', async () => {
    const kv = clientOf(api.KV);
    const key = bytes('largest');
    const put = (size: number) => kv.put({ key, value: new Uint8Array(size).fill(0x6c) });
    // The limit of 1.5 MiB is that of the replicated request: some bytes around the value count.
    let accepted = 1_572_864 - 64;
    let tooMany = 1_572_864;
    await put(accepted);
    while (tooMany - accepted > 1) {
      const size = Math.floor((accepted + tooMany) / 2);
      const error = await put(size).then(() => undefined, ConnectError.from);
      if (error === undefined) accepted = size;
      else tooMany = size;
    }
    expect(1_572_864 - accepted).toBeGreaterThanOrEqual(20);
    expect(1_572_864 - accepted).toBeLessThanOrEqual(40);
    await put(accepted);
    await expect(put(tooMany)).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'etcdserver: request is too large',
    });
    const { kvs } = await kv.range({ key });
    expect(kvs[0]?.value).toHaveLength(accepted);
    await othersGoOn();
  });

  it('stays small beside a client that watches a busy key and never reads', async () => {
    const kv = clientOf(api.KV);
    const value = new Uint8Array(500_000).fill(0x62);
    const produce = async (key: string, count: number) => {
      for (let i = 0; i < count; i += 10) {
        await Promise.all(Array.from({ length: 10 }, () => kv.put({ key: bytes(key), value })));
      }
    };
    const resident = async () => (await member.metric('process_resident_memory_bytes')) ?? 0;
    // What the store and passing requests take shows before there is a watcher.
    await produce('b', 100);
    const before = await resident();
    using slow = new RawConnection(member.url);
    const others = await watcherCount();
    const stream = slow.open({ path: WATCH, body: grpcFrame(WATCH_A) });
    await eventually('the watch', async () => (await watcherCount()) === others + 1);
    // 120 MB, most of which would have to be kept for the watch.
    await produce('a', 240);
    // It is behind and will be read for from the store, instead of having a queue.
    expect(await member.metric('etcd_debugging_mvcc_slow_watcher_total')).toBe(1);
    await othersGoOn();
    const grown = (await resident()) - before;
    expect(grown).toBeLessThan(100_000_000);
    let received = 0;
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await eventually('all that was missed', () => received > 240 * value.length, 30_000);
    await othersGoOn();
  });
});

describe.skipIf(curl === undefined)('a server on a unix socket', () => {
  it('serves HTTP/1.1, HTTP/2 and gRPC there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-socket-'));
    const path = join(folder, 'client.sock');
    await using member = await startKvorum({
      flags: ['--kvorum-engine=memory', `--listen-client-urls=unix:${path}`],
    });
    const ask = async (...args: readonly string[]) => {
      const all = ['--silent', '--show-error', '--unix-socket', path, ...args];
      await using program = await RunningProgram.start(curl ?? '', { args: all });
      expect(await program.exited).toEqual({ code: 0, signal: null });
      return program.stdout.text;
    };
    expect(await ask('http://localhost/health')).toBe('{"health":"true","reason":""}');
    const overHttp2 = await ask('--http2-prior-knowledge', 'http://localhost/version');
    expect(overHttp2).toContain('"etcdserver":"3.7.1"');
    const json = ['--header', 'content-type: application/json', '--data'];
    const range = `http://localhost${KV}/Range`;
    await ask(...json, '{"key":"aw==","value":"dg=="}', `http://localhost${KV}/Put`);
    expect(JSON.parse(await ask(...json, '{"key":"aw=="}', range))).toMatchObject({
      kvs: [{ key: 'aw==', value: 'dg==', version: '1' }],
      count: '1',
    });
    const session = new Http2SessionManager('http://localhost', undefined, {
      createConnection: () => connectSocket(path),
    });
    const transport = createGrpcTransport({
      baseUrl: 'http://localhost',
      sessionManager: session,
    });
    const { kvs } = await createClient(api.KV, transport).range({ key: bytes('k') });
    expect(kvs.map((pair) => text(pair.value))).toEqual(['v']);
    session.abort();
    expect(await member.stop()).toEqual({ code: 0, signal: null });
    // The socket goes with the server.
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});
