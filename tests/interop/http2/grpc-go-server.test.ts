import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { KV, Lease, Maintenance, Watch } from '@kvorum/api';
import { type GrpcClient, Status } from '@kvorum/h2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { eventually } from '../../framework/eventually.ts';
import { startEtcd, type TestMember } from '../../framework/member.ts';
import { freePorts } from '../../framework/ports.ts';
import { realEtcd, systemProgram } from '../../framework/real-etcd.ts';
import { failureOf, newClient, RecordedCall } from './client.ts';

// The client of `@kvorum/h2` against grpc-go, in the real etcd.

const real = realEtcd('3.5');
const openssl = systemProgram('openssl');

let member: TestMember;
const clients: GrpcClient[] = [];

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** One unary call, from message to message. */
async function call<I extends DescMessage, O extends DescMessage>(
  client: GrpcClient,
  method: DescMethod & { readonly input: I; readonly output: O },
  request: MessageInitShape<I>,
  options?: Parameters<GrpcClient['unary']>[2],
): Promise<MessageShape<O>> {
  const encoded = toBinary(method.input, create(method.input, request));
  return fromBinary(method.output, await client.unary(pathOf(method), encoded, options));
}

function encode<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  request: MessageInitShape<I>,
): Uint8Array {
  return toBinary(method.input, create(method.input, request));
}

function clientOf(port: number, options?: Parameters<typeof newClient>[1]): GrpcClient {
  const client = newClient(port, options);
  clients.push(client);
  return client;
}

function portOf({ endpoint }: TestMember): number {
  return Number(endpoint.split(':')[1]);
}

const { range, put, txn } = KV.method;
const { watch } = Watch.method;

beforeAll(async () => {
  if (real !== undefined) member = await startEtcd(real, { flags: ['--unsafe-no-fsync'] });
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  if (real !== undefined) await member[Symbol.asyncDispose]();
});

describe.skipIf(real === undefined)('a client of @kvorum/h2, of the real etcd', () => {
  it('puts and gets', async () => {
    const client = clientOf(portOf(member));
    await call(client, put, { key: bytes('key'), value: bytes('value') });
    const { kvs } = await call(client, range, { key: bytes('key') });
    expect(kvs.map(({ value }) => text(value))).toEqual(['value']);
  });

  it('makes many calls at once', async () => {
    const client = clientOf(portOf(member));
    const indexes = Array.from({ length: 1000 }, (_, i) => i);
    await Promise.all(
      indexes.map((i) => call(client, put, { key: bytes(`many/${i}`), value: bytes(`${i}`) })),
    );
    const values = await Promise.all(
      indexes.map(async (i) =>
        text((await call(client, range, { key: bytes(`many/${i}`) })).kvs[0]?.value),
      ),
    );
    expect(values).toEqual(indexes.map(String));
  });

  it('puts large values and gets 10 MB at once', async () => {
    const limits = { maxReceiveMessageBytes: 20_000_000 };
    const client = clientOf(portOf(member), { limits });
    const value = Buffer.alloc(1_000_000, 'large ');
    const keys = Array.from({ length: 10 }, (_, i) => bytes(`large/${i}`));
    await Promise.all(keys.map((key) => call(client, put, { key, value })));
    const all = { key: bytes('large/'), rangeEnd: bytes('large0') };
    const { kvs } = await call(client, range, all);
    expect(kvs.length).toBe(10);
    expect(kvs.every((pair) => value.equals(pair.value))).toBe(true);

    const failure = await failureOf(call(clientOf(portOf(member)), range, all));
    expect(failure.status).toBe(Status.resourceExhausted);
  });

  it('is told what is wrong', async () => {
    const client = clientOf(portOf(member));
    const noKey = await failureOf(call(client, range, {}));
    expect([noKey.status, noKey.message]).toEqual([
      Status.invalidArgument,
      'etcdserver: key is not provided',
    ]);
    const value = new Uint8Array(3_000_000);
    const tooLarge = await failureOf(call(client, put, { key: bytes('a'), value }));
    expect([tooLarge.status, tooLarge.message]).toEqual([
      Status.resourceExhausted,
      expect.stringContaining('received message larger than max'),
    ]);
    const none = await failureOf(client.unary('/etcdserverpb.KV/Nope', Buffer.alloc(100_000)));
    expect([none.status, none.message]).toEqual([
      Status.unimplemented,
      'unknown method Nope for service etcdserverpb.KV',
    ]);
    const broken = await failureOf(client.unary(pathOf(range), Buffer.from([0xff])));
    expect(broken.status).toBe(Status.internal);
    // All on one connection, which is as good as new.
    await call(client, put, { key: bytes('a'), value: bytes('b') });
  });

  it('has its gzip read', async () => {
    const client = clientOf(portOf(member));
    const value = Buffer.alloc(500_000, 'compress me ');
    await call(client, put, { key: bytes('gzip'), value }, { gzip: true });
    const { kvs } = await call(client, range, { key: bytes('gzip') }, { gzip: true });
    expect(value.equals(kvs[0]?.value ?? Buffer.alloc(0))).toBe(true);
  });

  it('watches', async () => {
    const client = clientOf(portOf(member));
    const watching = new RecordedCall(client, pathOf(watch));
    const value = { key: bytes('watched') };
    await watching.send(encode(watch, { requestUnion: { case: 'createRequest', value } }));
    await watching.received(1);
    const events = (): string[] =>
      watching.messages.flatMap((message) =>
        fromBinary(watch.output, message).events.map(({ kv }) => text(kv?.value)),
      );
    for (let i = 0; i < 50; i++) await call(client, put, { ...value, value: bytes(`${i}`) });
    await eventually('50 events', () => events().length === 50);
    expect(events()).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
    watching.cancel();
    expect((await watching.ended()).status).toBe(Status.cancelled);
  });

  it('keeps a lease alive', async () => {
    const client = clientOf(portOf(member));
    const { leaseGrant, leaseKeepAlive, leaseRevoke } = Lease.method;
    const { ID, TTL } = await call(client, leaseGrant, { TTL: 60n });
    expect(TTL).toBe(60n);
    const keeping = new RecordedCall(client, pathOf(leaseKeepAlive));
    for (let i = 1; i <= 3; i++) {
      await keeping.send(encode(leaseKeepAlive, { ID }));
      const answer = (await keeping.received(i))[i - 1] ?? Buffer.alloc(0);
      expect(fromBinary(leaseKeepAlive.output, answer)).toMatchObject({ ID, TTL: 60n });
    }
    await call(client, leaseRevoke, { ID });
    keeping.halfClose();
    expect((await keeping.ended()).status).toBe(Status.ok);
  });

  it('gets a snapshot, which is a long stream', async () => {
    const client = clientOf(portOf(member));
    const { snapshot } = Maintenance.method;
    const streaming = new RecordedCall(client, pathOf(snapshot));
    await streaming.send(encode(snapshot, {}));
    streaming.halfClose();
    expect((await streaming.ended()).status).toBe(Status.ok);
    const last = streaming.messages.at(-1) ?? Buffer.alloc(0);
    expect(fromBinary(snapshot.output, last).remainingBytes).toBe(0n);
    expect(streaming.messages.length).toBeGreaterThan(10);
  });

  it('ends calls at their deadline, and cancels them', async () => {
    const client = clientOf(portOf(member));
    const late = new RecordedCall(client, pathOf(watch), { timeoutMs: 50 });
    const value = { key: bytes('watched') };
    const request = encode(watch, { requestUnion: { case: 'createRequest', value } });
    await late.send(request);
    expect((await late.ended()).status).toBe(Status.deadlineExceeded);

    const cancelled = new RecordedCall(client, pathOf(watch));
    await cancelled.send(request);
    await cancelled.received(1);
    cancelled.cancel();
    expect((await cancelled.ended()).status).toBe(Status.cancelled);
    await eventually('the end of both watches', async () => {
      return (await member.metric('etcd_debugging_mvcc_watcher_total')) === 0;
    });

    // A process that stands still answers nobody.
    member.process.signal('SIGSTOP');
    const failure = failureOf(call(client, range, { key: bytes('a') }, { timeoutMs: 100 }));
    const { status } = await failure.finally(() => member.process.signal('SIGCONT'));
    expect(status).toBe(Status.deadlineExceeded);
    await call(client, range, { key: bytes('a') });
  });

  it('learns of its going, and finds it again', async () => {
    if (real === undefined) throw new Error('no etcd');
    await using leaving = await startEtcd(real, { flags: ['--unsafe-no-fsync'] });
    const client = clientOf(portOf(leaving));
    await call(client, put, { key: bytes('a'), value: bytes('b') });
    const watching = new RecordedCall(client, pathOf(watch));
    const value = { key: bytes('a') };
    await watching.send(encode(watch, { requestUnion: { case: 'createRequest', value } }));
    await watching.received(1);

    for (const end of ['stop', 'kill'] as const) {
      await leaving[end]();
      if (end === 'stop') {
        expect([Status.unavailable, Status.cancelled]).toContain((await watching.ended()).status);
      }
      await eventually('the loss of the connection', () => client.state !== 'ready');
      const lost = await failureOf(call(client, range, value));
      expect([lost.status, lost.isUnprocessed]).toEqual([Status.unavailable, true]);
      const waiting = call(client, range, value, { waitForReady: true });
      await leaving.restart();
      expect((await waiting).kvs.map((pair) => text(pair.value))).toEqual(['b']);
    }
  });

  it('decides by a transaction', async () => {
    const client = clientOf(portOf(member));
    const key = bytes('decision');
    const operation = (value: string) => ({
      request: { case: 'requestPut' as const, value: { key, value: bytes(value) } },
    });
    const decide = { success: [operation('two')], failure: [operation('three')] };
    expect((await call(client, txn, decide)).succeeded).toBe(true);
    expect(text((await call(client, range, { key })).kvs[0]?.value)).toBe('two');
  });

  it.skipIf(openssl === undefined)('calls over TLS', async () => {
    if (real === undefined) throw new Error('no etcd');
    using certificate = new Certificate(openssl ?? '');
    const [port = 0] = await freePorts(1);
    const url = `https://127.0.0.1:${port}`;
    const addresses = [`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`];
    const files = [`--cert-file=${certificate.file}`, `--key-file=${certificate.keyFile}`];
    await using secure = await startEtcd(real, {
      flags: ['--unsafe-no-fsync', ...addresses, ...files],
    });
    const client = clientOf(port, { certificate });
    const value = Buffer.alloc(1_000_000, 'tls ');
    await call(client, put, { key: bytes('a'), value });
    const { kvs } = await call(client, range, { key: bytes('a') });
    expect(value.equals(kvs[0]?.value ?? Buffer.alloc(0))).toBe(true);
    await secure.stop();
  });
});
