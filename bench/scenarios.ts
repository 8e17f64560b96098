import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  StatusResponseSchema,
} from '@kvorum/api';
import { GrpcClient, nodeClock } from '@kvorum/h2';
import { h2load } from './h2load.ts';
import type { LoadResult } from './report.ts';
import type { RunningServer } from './servers.ts';

/** One kind of load. `scale` 1 is the size that results are published with. */
export interface Scenario {
  readonly name: string;
  run(server: RunningServer, scale: number): Promise<LoadResult>;
}

const key = Buffer.from('bench/key-0001');
const value = Buffer.alloc(256, 'v');
const put = toBinary(PutRequestSchema, create(PutRequestSchema, { key, value }));
const range = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key }));
const serializableRange = toBinary(
  RangeRequestSchema,
  create(RangeRequestSchema, { key, serializable: true }),
);

/** The scenarios in the order in which they run; ranges read the key that the puts before them wrote. */
export const scenarios: readonly Scenario[] = [
  unary('put, 1 client', 'Put', put, { connections: 1, streams: 1, calls: 6_000 }),
  unary('put, 100 x 10 in flight', 'Put', put, { connections: 100, streams: 10, calls: 200_000 }),
  unary('range, 1 client', 'Range', range, { connections: 1, streams: 1, calls: 20_000 }),
  unary('range, 100 x 10 in flight', 'Range', range, {
    connections: 100,
    streams: 10,
    calls: 300_000,
  }),
  unary('serializable range, 100 x 10 in flight', 'Range', serializableRange, {
    connections: 100,
    streams: 10,
    calls: 300_000,
  }),
  generated('watch fan-out, 1,000 watchers of one key', 'watch-fanout', 100),
  generated('lease keep-alive, 100 open streams x 10', 'lease-keepalive', 200_000),
  {
    // As `etcdctl lease keep-alive --once` and etcd's own benchmark do it.
    name: 'lease keep-alive, a stream each, 100 x 10 in flight',
    run: async ({ port }, scale) => {
      const message = await grantedLease(port);
      const path = '/etcdserverpb.Lease/LeaseKeepAlive';
      const load = { connections: 100, streams: 10 };
      return h2load({ ...load, calls: Math.max(1000, 200_000 * scale), port, path, message });
    },
  },
];

/** The loads on a cluster, each sent to one member: all to the leader, or all to a follower. */
export const clusterScenarios: readonly Scenario[] = scenarios.slice(0, 4);

/** The member that leads; waits for one if need be. */
export async function leaderOf(servers: readonly RunningServer[]): Promise<RunningServer> {
  for (;;) {
    for (const server of servers) {
      const path = '/etcdserverpb.Maintenance/Status';
      const status = fromBinary(StatusResponseSchema, await call(server.port, path, noRequest));
      if (status.leader !== 0n && status.leader === status.header?.memberId) return server;
    }
    await setTimeout(100);
  }
}

const noRequest = new Uint8Array(0);

async function call(port: number, path: string, request: Uint8Array): Promise<Uint8Array> {
  const client = new GrpcClient({
    dial: async () => connect({ port, host: '127.0.0.1', noDelay: true }),
    authority: `127.0.0.1:${port}`,
    clock: nodeClock,
    random: Math.random,
  });
  try {
    return await client.unary(path, request, { timeoutMs: 10_000 });
  } finally {
    client.close();
  }
}

/** A request to renew a new lease. */
async function grantedLease(port: number): Promise<Uint8Array> {
  const grant = create(LeaseGrantRequestSchema, { TTL: 600n });
  const request = toBinary(LeaseGrantRequestSchema, grant);
  const reply = await call(port, '/etcdserverpb.Lease/LeaseGrant', request);
  const { ID } = fromBinary(LeaseGrantResponseSchema, reply);
  return toBinary(LeaseKeepAliveRequestSchema, create(LeaseKeepAliveRequestSchema, { ID }));
}

function unary(
  name: string,
  method: 'Put' | 'Range',
  message: Uint8Array,
  load: { connections: number; streams: number; calls: number },
): Scenario {
  const path = `/etcdserverpb.KV/${method}`;
  return {
    name,
    async run({ port }, scale) {
      const calls = Math.max(load.connections * load.streams, Math.round(load.calls * scale));
      return h2load({ ...load, calls, port, path, message });
    },
  };
}

function generated(name: string, load: string, count: number): Scenario {
  return {
    name,
    run: ({ port }, scale) => generate(load, port, Math.max(1, Math.round(count * scale))),
  };
}

/** Runs a load of `generator.ts` in a process of its own. */
export async function generate(load: string, port: number, count: number): Promise<LoadResult> {
  const script = `${import.meta.dirname}/generator.ts`;
  const args = ['--conditions=kvorum-source', script, load, String(port), String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 20 });
  return JSON.parse(stdout);
}
