import { connect } from 'node:net';
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
 * `LoadResult` as JSON. It calls through `@kvorum/h2`, which takes a tenth of the CPU of other clients for Node: else
 * this process, not the server, would be measured.
 */

const VALUE = Buffer.alloc(256, 'v');
const CONNECTIONS = 10;
const PUT = '/etcdserverpb.KV/Put';

type Load = (clients: readonly GrpcClient[], count: number) => Promise<LoadResult>;
const loads: Record<string, Load> = {
  'watch-fanout': watchFanout,
  'lease-keepalive': leaseKeepAlive,
  'load-keys': loadKeys,
};

function newClient(port: number): GrpcClient {
  return new GrpcClient({
    dial: async () => connect({ port, host: '127.0.0.1', noDelay: true }),
    authority: `127.0.0.1:${port}`,
    clock: nodeClock,
    random: Math.random,
  });
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

/** The one that `index` falls to when all take turns. */
function pick(clients: readonly GrpcClient[], index: number): GrpcClient {
  return clients[index % clients.length] as GrpcClient;
}

const WATCHERS = 1000;

/** `count` puts of one key, one after the other, each delivered to 1,000 watchers; operations are deliveries. */
async function watchFanout(clients: readonly GrpcClient[], count: number): Promise<LoadResult> {
  const key = Buffer.from('watched');
  const request = create(WatchRequestSchema, {
    requestUnion: { case: 'createRequest', value: { key } },
  });
  const message = toBinary(WatchRequestSchema, request);
  const latencies: number[] = [];
  let arrived = 0;
  let putAt = 0;
  let wanted = WATCHERS;
  let wake = () => {};
  const allArrived = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (arrived === wanted) resolve();
    });
  for (let i = 0; i < WATCHERS; i++) {
    let isCreated = false;
    const stream = pick(clients, i).stream('/etcdserverpb.Watch/Watch', {
      onMessage() {
        if (isCreated) latencies.push(performance.now() - putAt);
        isCreated = true;
        arrived += 1;
        if (arrived === wanted) wake();
      },
      onEnd() {},
    });
    stream.send(message);
  }
  await allArrived();
  const put = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value: VALUE }));
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    wanted += WATCHERS;
    putAt = performance.now();
    await Promise.all([pick(clients, 0).unary(PUT, put), allArrived()]);
  }
  return result(latencies.length, start, latencies);
}

const LEASES = 100;
const RENEWALS_IN_FLIGHT = 10;

/** `count` renewals over 100 streams, ten in flight on each. */
async function leaseKeepAlive(clients: readonly GrpcClient[], count: number): Promise<LoadResult> {
  const grant = toBinary(LeaseGrantRequestSchema, create(LeaseGrantRequestSchema, { TTL: 600n }));
  const ids = await Promise.all(
    Array.from({ length: LEASES }, async (_, i) => {
      const reply = await pick(clients, i).unary('/etcdserverpb.Lease/LeaseGrant', grant);
      return fromBinary(LeaseGrantResponseSchema, reply).ID;
    }),
  );
  const latencies: number[] = [];
  let sent = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    ids.forEach((ID, i) => {
      const message = toBinary(
        LeaseKeepAliveRequestSchema,
        create(LeaseKeepAliveRequestSchema, { ID }),
      );
      const sentAt: number[] = [];
      const next = () => {
        if (sent >= count) return;
        sent += 1;
        sentAt.push(performance.now());
        stream.send(message);
      };
      const stream = pick(clients, i).stream('/etcdserverpb.Lease/LeaseKeepAlive', {
        onMessage() {
          latencies.push(performance.now() - (sentAt.shift() ?? 0));
          if (latencies.length === count) resolve();
          next();
        },
        onEnd() {},
      });
      for (let k = 0; k < RENEWALS_IN_FLIGHT; k++) next();
    });
  });
  return result(count, start, latencies);
}

/** `count` new keys of 32 bytes with values of 256, 1,000 puts in flight over 10 connections. */
async function loadKeys(clients: readonly GrpcClient[], count: number): Promise<LoadResult> {
  const latencies = new Float64Array(count);
  let next = 0;
  const start = performance.now();
  const worker = async (client: GrpcClient) => {
    while (next < count) {
      const index = next++;
      const key = Buffer.from(`key/${String(index).padStart(28, '0')}`);
      const message = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value: VALUE }));
      const sentAt = performance.now();
      await client.unary(PUT, message);
      latencies[index] = performance.now() - sentAt;
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: 100 }, () => worker(client))));
  return result(count, start, [...latencies]);
}

const [name = '', port = '0', count = '0'] = process.argv.slice(2);
const load = loads[name];
if (load === undefined) {
  process.stderr.write(
    `usage: node bench/generator.ts ${Object.keys(loads).join('|')} PORT COUNT\n`,
  );
  process.exit(2);
}
const clients = Array.from({ length: CONNECTIONS }, () => newClient(Number(port)));
process.stdout.write(`${JSON.stringify(await load(clients, Number(count)))}\n`);
for (const client of clients) client.close();
