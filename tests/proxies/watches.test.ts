import { connect as dial } from 'node:net';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Event,
  Event_EventType,
  WatchCreateRequest_FilterType as FilterType,
  type WatchCreateRequestSchema,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from '@kvorum/api';
import { connect } from '@kvorum/client';
import { GrpcClient, nodeClock } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { TestCluster } from '../framework/cluster.ts';
import { eventually, within } from '../framework/eventually.ts';
import {
  etcdProgram,
  kvorumProgram,
  type ServerProgram,
  startKvorum,
  TestMember,
} from '../framework/member.ts';
import { Prng } from '../framework/prng.ts';
import { realEtcd } from '../framework/real-etcd.ts';
import { WatchStream } from '../framework/watch-stream.ts';
import { ProxyProgram } from './proxy-program.ts';

type CreateRequest = MessageInitShape<typeof WatchCreateRequestSchema>;

const real = realEtcd('3.5');
const programs: readonly (readonly [string, ServerProgram | undefined])[] = [
  ['Kvorum', kvorumProgram()],
  ['etcd 3.5', real && etcdProgram(real)],
];
/** Another one to play another game, as a failure tells. */
const seed = Number(process.env.KVORUM_SEED ?? 1);

const letters = ['a', 'b', 'c', 'd'] as const;
const bytes = (text: string) => Buffer.from(text);

/** A watcher on a stream of its client, and what it has been told. */
class Watched {
  readonly request: CreateRequest;
  readonly events: Event[] = [];
  createdRevision = -1;
  isCanceled = false;
  lastRevision = 0n;
  readonly #stream: WatchStream;

  constructor(client: TestClient, request: CreateRequest) {
    this.request = request;
    this.#stream = new WatchStream(client, (response) => this.#onResponse(response));
    this.#stream.send({ case: 'createRequest', value: request });
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  #onResponse({ created, canceled, events, header }: WatchResponse): void {
    if (created) this.createdRevision = Number(header?.revision ?? 0n);
    if (canceled) this.isCanceled = true;
    this.events.push(...events);
  }

  /** What of a history it should have been told. */
  expected(history: readonly Event[]): string[] {
    const {
      key = bytes(''),
      rangeEnd = bytes(''),
      filters = [],
      prevKv,
      startRevision,
    } = this.request;
    const from =
      startRevision === undefined || startRevision === 0n
        ? BigInt(this.createdRevision) + 1n
        : startRevision;
    return history
      .filter(({ kv, type }) => {
        if (kv === undefined || kv.modRevision < from) return false;
        if (
          filters.includes(type === Event_EventType.PUT ? FilterType.NOPUT : FilterType.NODELETE)
        ) {
          return false;
        }
        if (rangeEnd.length === 0) return Buffer.compare(kv.key, key) === 0;
        return Buffer.compare(kv.key, key) >= 0 && Buffer.compare(kv.key, rangeEnd) < 0;
      })
      .map((event) => textOf(event, prevKv === true));
  }
}

function textOf({ type, kv, prevKv }: Event, hasPrevious: boolean): string {
  const before = hasPrevious && prevKv !== undefined ? ` was ${Buffer.from(prevKv.value)}` : '';
  const what = `${Buffer.from(kv?.key ?? [])}=${Buffer.from(kv?.value ?? [])}`;
  const numbers = `${kv?.createRevision}/${kv?.modRevision}/${kv?.version}/${kv?.lease}`;
  return `${type === Event_EventType.PUT ? 'put' : 'delete'} ${what} ${numbers}${before}`;
}

/** A watcher of whatever, from whenever. */
function anyRequest(prng: Prng, newest: number): CreateRequest {
  const key = prng.pick(letters);
  const start = prng.pick([0, 0, prng.below(newest) + 1, newest + prng.below(5)]);
  return {
    key: bytes(key),
    rangeEnd: bytes(prng.pick(['', '', 'e'])),
    startRevision: BigInt(start),
    prevKv: prng.pick([true, false]),
    filters: prng.pick([[], [], [FilterType.NOPUT], [FilterType.NODELETE]]),
    fragment: prng.pick([true, false]),
  };
}

describe.each(programs)('watchers through kvorum grpc-proxy before %s', (_name, program) => {
  it.skipIf(program === undefined)(
    `see what happened, whatever they ask for (seed ${seed})`,
    async () => {
      if (program === undefined) throw new Error('there is no such member');
      const prng = new Prng(seed);
      await using member = await TestMember.start(program, {});
      await using proxy = await ProxyProgram.start('grpc-proxy', [
        `--endpoints=${member.endpoint}`,
      ]);
      await using direct = connect({ endpoints: [member.endpoint] });
      await using through = connect({ endpoints: [proxy.endpoint] });
      using client = new TestClient(proxy.url);
      const watchers: Watched[] = [];
      let newest = 1;
      const change = async (step: number) => {
        const writer = prng.pick([direct, through]);
        const key = prng.pick(letters);
        if (prng.below(4) === 0)
          await writer.delete(prng.chance(0.5) ? key : { start: 'b', end: 'd' });
        else newest = Number((await writer.put(key, `${step}`)).revision);
      };
      const join = async () => {
        const watcher = new Watched(client, anyRequest(prng, newest));
        watchers.push(watcher);
        await eventually('a watcher', () => watcher.createdRevision >= 0, 30_000);
      };
      for (let step = 0; step < 150; step++) {
        await change(step);
        if (step % 6 === 0) await join();
        if (step === 75) {
          await member.kill();
          await member.restart();
        }
      }
      await through.put('b', 'last');
      const { revision } = await direct.put('c', 'last');
      const all = { key: bytes('a'), rangeEnd: bytes('z'), prevKv: true, startRevision: 1n };
      using reader = new TestClient(member.url);
      const history = new Watched(reader, all);
      await eventually('the history', () => history.events.at(-1)?.kv?.modRevision === revision);
      for (const watcher of watchers) {
        const expected = watcher.expected(history.events);
        const seen = () =>
          watcher.events.map((event) => textOf(event, watcher.request.prevKv === true));
        await eventually(
          `${expected.length} events`,
          () => seen().length >= expected.length,
          20_000,
        );
        expect(seen()).toEqual(expected);
      }
      for (const watcher of [...watchers, history]) await watcher.close();
    },
  );
});

describe('a watcher through kvorum grpc-proxy', () => {
  it('that does not read holds up nobody, and goes on from where it was', async () => {
    await using member = await startKvorum();
    await using proxy = await ProxyProgram.start('grpc-proxy', [`--endpoints=${member.endpoint}`]);
    await using writer = connect({ endpoints: [proxy.endpoint] });
    const [, port] = proxy.endpoint.split(':');
    const slow = new GrpcClient({
      dial: () => Promise.resolve(dial({ host: '127.0.0.1', port: Number(port) })),
      authority: proxy.endpoint,
      clock: nodeClock,
      random: Math.random,
    });
    const values: string[] = [];
    let isCreated = false;
    const stream = slow.stream('/etcdserverpb.Watch/Watch', {
      onMessage: (message) => {
        const { created, events } = fromBinary(WatchResponseSchema, message);
        isCreated ||= created;
        for (const { kv } of events)
          values.push(Buffer.from(kv?.value ?? []).toString('latin1', 0, 3));
      },
      onEnd: () => {},
    });
    const value = { key: bytes('k') };
    const request = create(WatchRequestSchema, { requestUnion: { case: 'createRequest', value } });
    stream.send(toBinary(WatchRequestSchema, request));
    await eventually('the watcher', () => isCreated);
    stream.pause();
    await using watch = writer.watch('k');
    await watch.opened;
    const filling = 'x'.repeat(500_000);
    for (let i = 100; i < 160; i++) await writer.put('k', `${i}${filling}`);
    stream.resume();
    await eventually('all events', () => values.length === 60, 30_000);
    expect(values).toEqual(Array.from({ length: 60 }, (_, i) => `${i + 100}`));
    let seen = 0;
    for await (const _event of watch) if (++seen === 60) break;
    slow.close();
  });
});

describe('a stream through kvorum grpc-proxy that asks for a leader', () => {
  it('ends when the members have lost it, and others go on', async () => {
    await using cluster = await TestCluster.start();
    const endpoints = cluster.members.map(({ endpoint }) => endpoint).join();
    await using proxy = await ProxyProgram.start('grpc-proxy', [`--endpoints=${endpoints}`]);
    using client = new TestClient(proxy.url);
    await client.kv.put({ key: bytes('k'), value: bytes('v') });
    const headers = { hasleader: 'true' };
    const strict = new WatchStream(client, () => {}, headers);
    let hasEnded = false;
    const lenient = new WatchStream(client, () => {});
    void lenient.ended.then(() => {
      hasEnded = true;
    });
    for (const stream of [strict, lenient]) {
      stream.send({ case: 'createRequest', value: { key: bytes('k') } });
    }
    for (const member of cluster.members.slice(1)) await member.kill();
    const error = await within('the end of the stream', strict.ended, 30_000);
    expect(String(error)).toContain('etcdserver: no leader');
    expect(hasEnded).toBe(false);
    await lenient.close();
  });
});
