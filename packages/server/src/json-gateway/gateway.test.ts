import { create, toBinary } from '@bufbuild/protobuf';
import {
  etcdServices,
  PutRequestSchema,
  PutResponseSchema,
  SnapshotResponseSchema,
  WatchResponseSchema,
} from '@kvorum/api';
import type { GrpcMethod, GrpcService, ServerStats, StreamCall, UnaryCall } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { SimTime } from '../testing/sim-time.ts';
import { Gateway } from './gateway.ts';
import { MemoryExchange } from './testing/memory-exchange.ts';

const PUT = '/etcdserverpb.KV/Put';
const WATCH = '/etcdserverpb.Watch/Watch';
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot';

/** Counts what the gateway tells of its calls. */
class Counts implements ServerStats {
  readonly log: string[] = [];
  connectionOpened(): void {}
  connectionClosed(): void {}
  bytesReceived(): void {}
  bytesSent(): void {}
  callStarted(path: string): void {
    this.log.push(`started ${path}`);
  }
  callFinished(path: string, status: number): void {
    this.log.push(`finished ${path} ${status}`);
  }
  messageReceived(): void {}
  messageSent(): void {}
}

function gatewayOf(methods: Readonly<Record<string, GrpcMethod>>) {
  const time = new SimTime();
  const stats = new Counts();
  const clock: Clock = {
    ...systemClock,
    nowMs: () => time.nowMs,
    after: (delayMs, run) => time.after(delayMs, run),
  };
  const served: GrpcService = new Map(Object.entries(methods));
  const gateway = new Gateway({
    services: etcdServices,
    methods: served,
    clock,
    stats,
    maxMessageBytes: 1000,
  });
  return { gateway, time, stats };
}

/** A method that answers when the test does. */
function held() {
  const calls: { readonly request: Uint8Array; readonly call: UnaryCall }[] = [];
  const arrived = Promise.withResolvers<void>();
  const method: GrpcMethod = {
    kind: 'unary',
    handle(request, call) {
      calls.push({ request, call });
      arrived.resolve();
    },
  };
  return { method, calls, arrived: arrived.promise };
}

/** A stream that notes what befalls it. */
function noted(begin: (call: StreamCall) => void = () => {}) {
  const log: string[] = [];
  const opened = Promise.withResolvers<StreamCall>();
  const method: GrpcMethod = {
    kind: 'stream',
    open(call) {
      begin(call);
      opened.resolve(call);
      return {
        onMessage: (message) => log.push(`message of ${message.length} bytes`),
        onHalfClose: () => log.push('half-close'),
        onDrain: () => log.push('drain'),
        onAbort: (reason) => log.push(`abort ${reason}`),
      };
    },
  };
  return { method, log, opened: opened.promise };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const event = (bytes: number) =>
  toBinary(
    WatchResponseSchema,
    create(WatchResponseSchema, { events: [{ kv: { value: new Uint8Array(bytes) } }] }),
  );

describe('a unary call', () => {
  it('comes with its message and metadata, and is counted', async () => {
    const put = held();
    const { gateway, stats } = gatewayOf({ [PUT]: put.method });
    const exchange = new MemoryExchange('/v3/kv/put', {
      authorization: 'Bearer x',
      'grpc-metadata-hasleader': 'true',
      accept: '*/*',
    });
    exchange.say('{"key":"YQ=="}');
    exchange.say(undefined);
    gateway.serve(exchange);
    await put.arrived;
    const { request, call } = put.calls[0] as (typeof put.calls)[0];
    const key = Uint8Array.of(0x61);
    const message = toBinary(PutRequestSchema, create(PutRequestSchema, { key }));
    expect([...request]).toEqual([...message]);
    const names = ['authorization', 'hasleader', 'grpcgateway-accept', 'accept', 'token'];
    expect(names.map((name) => call.metadata.get(name))).toEqual([
      'Bearer x',
      'true',
      '*/*',
      undefined,
      undefined,
    ]);
    call.reply(
      toBinary(PutResponseSchema, create(PutResponseSchema, { header: { revision: 2n } })),
    );
    expect([await exchange.take(), exchange.status]).toEqual(['{"header":{"revision":"2"}}', 200]);
    expect(stats.log).toEqual([`started ${PUT}`, `finished ${PUT} 0`]);
  });

  it('ends when its time is up', async () => {
    const put = held();
    const { gateway, time, stats } = gatewayOf({ [PUT]: put.method });
    const exchange = new MemoryExchange('/v3/kv/put', { 'grpc-timeout': '5S' });
    exchange.say('{}');
    gateway.serve(exchange);
    await put.arrived;
    const reasons: string[] = [];
    put.calls[0]?.call.onAbort((reason) => reasons.push(reason));
    expect(put.calls[0]?.call.remainingMs()).toBe(5000);
    await time.run(5000);
    const body = '{"code":4,"message":"context deadline exceeded"}';
    expect([await exchange.take(), exchange.status, reasons]).toEqual([body, 504, ['deadline']]);
    expect(stats.log.at(-1)).toBe(`finished ${PUT} 4`);
  });

  it('is told when its client leaves, and nobody is answered', async () => {
    const put = held();
    const { gateway, stats } = gatewayOf({ [PUT]: put.method });
    const exchange = new MemoryExchange('/v3/kv/put');
    exchange.say('{}');
    gateway.serve(exchange);
    await put.arrived;
    const reasons: string[] = [];
    put.calls[0]?.call.onAbort((reason) => reasons.push(reason));
    exchange.leave();
    put.calls[0]?.call.reply(new Uint8Array(0));
    await turn();
    expect([exchange.status, reasons]).toEqual([undefined, ['cancelled']]);
    expect(stats.log.at(-1)).toBe(`finished ${PUT} 1`);
  });

  it.each([
    [`{"value":"${'A'.repeat(1400)}"}`, 'grpc: received message larger than max (1053 vs. 1000)'],
    [`{"nope":"${'A'.repeat(2000)}"}`, 'the body of the request is larger than 2000 bytes'],
  ])('is refused when it is too large: %#', async (text, message) => {
    const { gateway } = gatewayOf({ [PUT]: held().method });
    const exchange = new MemoryExchange('/v3/kv/put');
    exchange.say(text);
    gateway.serve(exchange);
    expect(await exchange.take()).toBe(JSON.stringify({ code: 8, message }));
    expect(exchange.status).toBe(429);
  });

  it('of a method that is not served is refused', async () => {
    const { gateway } = gatewayOf({ [PUT]: held().method });
    const exchange = new MemoryExchange('/v3/lock/lock');
    gateway.serve(exchange);
    const message = 'unknown service v3lockpb.Lock';
    expect(await exchange.take()).toBe(JSON.stringify({ code: 12, message }));
    expect(exchange.status).toBe(501);
  });
});

describe('a stream', () => {
  it('is told to wait by a client that does not read, and to go on', async () => {
    const watch = noted();
    const { gateway } = gatewayOf({ [WATCH]: watch.method });
    const exchange = new MemoryExchange('/v3/watch');
    gateway.serve(exchange);
    const call = await watch.opened;
    const sent = [1, 2, 3, 4].map(() => call.send(event(100_000)));
    expect(sent).toEqual([true, true, false, false]);
    for (let lines = 0; lines < 3; ) if ((await exchange.take())?.endsWith('\n')) lines += 1;
    expect(watch.log).toEqual(['drain']);
    expect(call.send(event(1))).toBe(true);
  });

  it('holds its client back while it pauses', async () => {
    const watch = noted((call) => call.pause());
    const { gateway } = gatewayOf({ [WATCH]: watch.method });
    const exchange = new MemoryExchange('/v3/watch');
    gateway.serve(exchange);
    exchange.say('{}{"create_request":{}}');
    exchange.say(undefined);
    const call = await watch.opened;
    await turn();
    expect(watch.log).toEqual([]);
    call.resume();
    await turn();
    expect(watch.log).toEqual(['message of 0 bytes', 'message of 2 bytes', 'half-close']);
  });

  it('ends with its client, and sends nothing more', async () => {
    const watch = noted();
    const { gateway, stats } = gatewayOf({ [WATCH]: watch.method });
    const exchange = new MemoryExchange('/v3/watch');
    gateway.serve(exchange);
    const call = await watch.opened;
    call.send(event(1));
    await exchange.take();
    exchange.leave();
    call.send(event(1));
    expect(await exchange.take()).toBeUndefined();
    expect(watch.log).toEqual(['abort cancelled']);
    expect(stats.log).toEqual([`started ${WATCH}`, `finished ${WATCH} 1`]);
  });

  it('that fails says so: under its status, or in the last line', async () => {
    const failing = noted((call) => call.end(7, 'no'));
    const first = new MemoryExchange('/v3/watch');
    gatewayOf({ [WATCH]: failing.method }).gateway.serve(first);
    expect(await first.take()).toBe('{"error":{"code":7,"message":"no"}}\n');
    expect(first.status).toBe(403);

    const later = noted((call) => {
      call.send(new Uint8Array(0));
      call.end(14, 'gone');
    });
    const second = new MemoryExchange('/v3/watch');
    gatewayOf({ [WATCH]: later.method }).gateway.serve(second);
    expect([await second.take(), await second.take(), await second.take()]).toEqual([
      '{"result":{}}\n',
      '{"error":{"code":14,"message":"gone"}}\n',
      undefined,
    ]);
    expect(second.status).toBe(200);
  });

  it('of answers alone has one request, and its half-close', async () => {
    const snapshot = noted((call) => {
      call.send(
        toBinary(SnapshotResponseSchema, create(SnapshotResponseSchema, { remainingBytes: 7n })),
      );
      call.end();
    });
    const { gateway } = gatewayOf({ [SNAPSHOT]: snapshot.method });
    const exchange = new MemoryExchange('/v3/maintenance/snapshot');
    exchange.say('{}');
    gateway.serve(exchange);
    expect(await exchange.take()).toBe('{"result":{"remaining_bytes":"7"}}\n');
    expect(await exchange.take()).toBeUndefined();
  });
});
