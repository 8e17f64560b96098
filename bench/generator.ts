import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  PutRequestSchema,
  WatchRequestSchema,
} from '@kvorum/api';
import { GrpcClient, nodeClock } from '@kvorum/h2';
import type { LoadResult } from './report.ts';
import { percentile } from './statistics.ts';

/**
 * The loads that h2load can't make, in a process of its own: `node bench/generator.ts LOAD PORT COUNT`, which prints a
 * `LoadResult` as JSON. It speaks gRPC over node:http2, so its own cost is the same for every server.
 */

const VALUE = Buffer.alloc(256, 'v');
const loads: Record<string, (port: number, count: number) => Promise<LoadResult>> = {
  'watch-fanout': watchFanout,
  'lease-keepalive': leaseKeepAlive,
  'load-keys': loadKeys,
};

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function open(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return session.request(
    { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    { endStream: false },
  );
}

/** One unary call; resolves with the response message. */
function unary(session: ClientHttp2Session, path: string, message: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = open(session, path);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('trailers', (trailers) => {
      if (trailers['grpc-status'] !== '0') reject(new Error(String(trailers['grpc-message'])));
    });
    stream.on('end', () => resolve(Buffer.concat(chunks).subarray(5)));
    stream.end(frame(message));
  });
}

/** Counts whole gRPC messages on a stream. */
function onMessages(stream: ClientHttp2Stream, onMessage: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      onMessage(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  });
  stream.on('error', () => {});
}

function session(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 4 * 1024 * 1024 } });
}

function result(operations: number, startMs: number, latencies: number[]): LoadResult {
  const seconds = (performance.now() - startMs) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    operations,
    perSecond: operations / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    p999Ms: percentile(latencies, 0.999),
  };
}

const WATCHERS = 1000;
const WATCH_CONNECTIONS = 10;

/** `count` puts of one key, one after the other, each delivered to 1,000 watchers; operations are deliveries. */
async function watchFanout(port: number, count: number): Promise<LoadResult> {
  const sessions = Array.from({ length: WATCH_CONNECTIONS }, () => session(port));
  const key = Buffer.from('watched');
  const latencies: number[] = [];
  let created = 0;
  let delivered = 0;
  let putAt = 0;
  let wake: (() => void) | undefined;
  const request = create(WatchRequestSchema, {
    requestUnion: { case: 'createRequest', value: { key } },
  });
  for (let i = 0; i < WATCHERS; i++) {
    const from = sessions[i % WATCH_CONNECTIONS] as ClientHttp2Session;
    const stream = open(from, '/etcdserverpb.Watch/Watch');
    let isFirst = true;
    onMessages(stream, () => {
      if (isFirst) created++;
      else {
        delivered++;
        latencies.push(performance.now() - putAt);
      }
      isFirst = false;
      if (created === WATCHERS) wake?.();
    });
    stream.write(frame(toBinary(WatchRequestSchema, request)));
  }
  await until(
    () => created === WATCHERS,
    (resolve) => (wake = resolve),
  );
  const put = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value: VALUE }));
  const writer = session(port);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    putAt = performance.now();
    await unary(writer, '/etcdserverpb.KV/Put', put);
    const wanted = (i + 1) * WATCHERS;
    await until(
      () => delivered >= wanted,
      (resolve) => (wake = resolve),
    );
  }
  const outcome = result(delivered, start, latencies);
  for (const each of [...sessions, writer]) each.destroy();
  return outcome;
}

/** Resolves when the condition holds; `onWake` says whom to call when it may have come true. */
async function until(holds: () => boolean, onWake: (resolve: () => void) => void): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => onWake(resolve));
}

const LEASE_STREAMS = 100;

/** `count` renewals over 100 streams, one in flight on each. */
async function leaseKeepAlive(port: number, count: number): Promise<LoadResult> {
  const sessions = Array.from({ length: 10 }, () => session(port));
  const latencies: number[] = [];
  const grants = await Promise.all(
    Array.from({ length: LEASE_STREAMS }, async (_, i) => {
      const message = toBinary(
        LeaseGrantRequestSchema,
        create(LeaseGrantRequestSchema, { TTL: 600n }),
      );
      const on = sessions[i % sessions.length] as ClientHttp2Session;
      return fromBinary(
        LeaseGrantResponseSchema,
        await unary(on, '/etcdserverpb.Lease/LeaseGrant', message),
      ).ID;
    }),
  );
  let sent = 0;
  let done = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    grants.forEach((ID, i) => {
      const stream = open(
        sessions[i % sessions.length] as ClientHttp2Session,
        '/etcdserverpb.Lease/LeaseKeepAlive',
      );
      const message = frame(
        toBinary(LeaseKeepAliveRequestSchema, create(LeaseKeepAliveRequestSchema, { ID })),
      );
      let sentAt = 0;
      const next = () => {
        if (sent >= count) return;
        sent++;
        sentAt = performance.now();
        stream.write(message);
      };
      onMessages(stream, () => {
        latencies.push(performance.now() - sentAt);
        done++;
        if (done >= count) resolve();
        else next();
      });
      next();
    });
  });
  const outcome = result(done, start, latencies);
  for (const each of sessions) each.destroy();
  return outcome;
}

/** `count` new keys of 32 bytes with values of 256, 1,000 puts in flight over 10 connections. */
async function loadKeys(port: number, count: number): Promise<LoadResult> {
  // Over @kvorum/h2, which takes a tenth of the CPU: else this process, not the server, would be measured.
  const clients = Array.from({ length: 10 }, () => {
    const dial = async () => connectSocket({ port, host: '127.0.0.1', noDelay: true });
    return new GrpcClient({
      dial,
      authority: `127.0.0.1:${port}`,
      clock: nodeClock,
      random: Math.random,
    });
  });
  const latencies = new Float64Array(count);
  let next = 0;
  const start = performance.now();
  const worker = async (client: GrpcClient) => {
    while (next < count) {
      const index = next++;
      const key = Buffer.from(`key/${String(index).padStart(28, '0')}`);
      const message = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value: VALUE }));
      const sentAt = performance.now();
      await client.unary('/etcdserverpb.KV/Put', message);
      latencies[index] = performance.now() - sentAt;
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: 100 }, () => worker(client))));
  const outcome = result(count, start, [...latencies]);
  for (const client of clients) client.close();
  return outcome;
}

const [name = '', port = '0', count = '0'] = process.argv.slice(2);
const load = loads[name];
if (load === undefined) {
  process.stderr.write(
    `usage: node bench/generator.ts ${Object.keys(loads).join('|')} PORT COUNT\n`,
  );
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(await load(Number(port), Number(count)))}\n`);
