import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { WatchRequestSchema, type WatchResponse, WatchResponseSchema } from '@kvorum/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelReceiver } from '../channel.ts';
import { MemoryWatchServer } from '../testing/memory-watch-server.ts';
import { WatchPlan } from './watch-plan.ts';

const key = (name: string) => new TextEncoder().encode(name);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A user of the plan, and the server behind it. */
class Scene {
  readonly server = new MemoryWatchServer();
  readonly told: WatchResponse[] = [];
  ended: unknown;
  readonly plan: WatchPlan;

  constructor() {
    const receiver: ChannelReceiver = {
      onMessage: (message) => this.told.push(fromBinary(WatchResponseSchema, message)),
      onEnd: (failure) => {
        this.ended = failure;
      },
    };
    this.plan = new WatchPlan((messages, calls) => this.server.begin(messages, calls), receiver);
  }

  send(requestUnion: Parameters<typeof create<typeof WatchRequestSchema>>[1]): void {
    this.plan.send(toBinary(WatchRequestSchema, create(WatchRequestSchema, requestUnion)));
  }

  create(name: string, startRevision = 0n, watchId = 0n): void {
    const value = { key: key(name), startRevision, watchId };
    this.send({ requestUnion: { case: 'createRequest', value } });
  }

  cancel(watchId: bigint): void {
    this.send({ requestUnion: { case: 'cancelRequest', value: { watchId } } });
  }

  progress(): void {
    this.send({ requestUnion: { case: 'progressRequest', value: {} } });
  }

  /** Revisions that a watcher was told of, in order. */
  revisionsOf(watchId: bigint): bigint[] {
    return this.told
      .filter((response) => response.watchId === watchId)
      .flatMap(({ events }) => events.map((event) => event.kv?.modRevision ?? 0n));
  }
}

describe('watching with one request at a time', () => {
  it('keeps one request for all watchers, and tells each of its own', async () => {
    const scene = new Scene();
    scene.create('a');
    scene.create('b');
    await turn();
    scene.server.put('a');
    scene.server.put('b');
    await turn();
    expect(scene.server.openCalls).toBe(1);
    expect(scene.told.filter(({ created }) => created).map(({ watchId }) => watchId)).toEqual([
      0n,
      1n,
    ]);
    expect([scene.revisionsOf(0n), scene.revisionsOf(1n)]).toEqual([[2n], [3n]]);
  });

  it('tells of a watcher once, however often it goes on with another request', async () => {
    const scene = new Scene();
    scene.create('a');
    await turn();
    for (let i = 0; i < 3; i++) {
      scene.server.put('a');
      scene.progress();
      await turn();
    }
    expect(scene.server.begunCalls).toBe(4);
    expect(scene.told.filter(({ created }) => created)).toHaveLength(1);
    expect(scene.revisionsOf(0n)).toEqual([2n, 3n, 4n]);
  });

  it('answers for the progress of all watchers', async () => {
    const scene = new Scene();
    scene.create('a');
    scene.create('b');
    scene.server.put('x');
    await turn();
    expect(scene.told.filter(({ watchId }) => watchId === -1n)).toEqual([]);
    scene.progress();
    await turn();
    const answer = scene.told.at(-1);
    expect([answer?.watchId, answer?.header?.revision]).toEqual([-1n, 2n]);
  });

  it('ends a watcher at once, and the last one with the request', async () => {
    const scene = new Scene();
    scene.create('a');
    scene.create('b');
    await turn();
    scene.cancel(0n);
    await turn();
    expect(scene.told.at(-1)).toMatchObject({ watchId: 0n, canceled: true });
    scene.server.put('a');
    scene.cancel(1n);
    await turn();
    expect(scene.server.openCalls).toBe(0);
    expect(scene.revisionsOf(0n)).toEqual([]);
  });

  it('tells what the server refuses, and goes on with the others', async () => {
    const scene = new Scene();
    scene.create('a');
    scene.create('refused');
    await turn();
    expect(scene.told.at(-1)).toMatchObject({ watchId: -1n, created: true, canceled: true });
    scene.progress();
    scene.server.put('a');
    await turn();
    expect(scene.revisionsOf(0n)).toEqual([2n]);
  });

  it("refuses an id that is taken, in etcd's words", async () => {
    const scene = new Scene();
    scene.create('a', 0n, 7n);
    scene.create('b', 0n, 7n);
    await turn();
    expect(scene.told.find(({ canceled }) => canceled)).toMatchObject({
      watchId: -1n,
      cancelReason: 'mvcc: duplicate watch ID provided on the WatchStream',
    });
  });

  it('does not stay behind until its revision is compacted', async () => {
    const scene = new Scene();
    scene.create('quiet');
    await turn();
    for (let i = 0; i < 5; i++) scene.server.put('busy');
    scene.progress();
    await turn();
    scene.server.compact(5n);
    scene.create('other');
    await turn();
    scene.server.put('quiet');
    await turn();
    expect(scene.told.some(({ canceled }) => canceled)).toBe(false);
    expect(scene.revisionsOf(0n)).toEqual([7n]);
  });

  it('tells of compaction as the server does', async () => {
    const scene = new Scene();
    for (let i = 0; i < 5; i++) scene.server.put('a');
    scene.server.compact(4n);
    scene.create('a', 2n);
    await turn();
    expect(scene.told.at(-1)).toMatchObject({ watchId: 0n, canceled: true, compactRevision: 4n });
  });

  it('waits for the end of a response in pieces before it goes on with another request', async () => {
    const scene = new Scene();
    scene.create('a');
    await turn();
    scene.server.putInPieces('a', 3);
    await turn();
    scene.progress();
    await turn();
    expect(scene.server.begunCalls).toBe(1);
    scene.server.nextPiece();
    scene.server.nextPiece();
    await turn();
    expect(scene.server.begunCalls).toBe(2);
    expect(scene.revisionsOf(0n)).toEqual([2n, 2n, 2n]);
  });

  it('ends when the server ends it', async () => {
    const scene = new Scene();
    scene.create('a');
    await turn();
    scene.server.fail();
    expect(scene.ended).toMatchObject({ status: 14 });
  });

  it('tells of every event once and in order, whatever is asked for meanwhile', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), name: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constant('create' as const), name: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constant('cancel' as const), id: fc.bigInt(0n, 5n) }),
      fc.record({ kind: fc.constant('progress' as const) }),
      fc.record({ kind: fc.constant('turn' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const scene = new Scene();
        const cancelled = new Set<bigint>();
        const names: string[] = [];
        for (const one of steps) {
          if (one.kind === 'put') scene.server.put(one.name);
          else if (one.kind === 'create') {
            names.push(one.name);
            scene.create(one.name);
          } else if (one.kind === 'cancel') {
            scene.cancel(one.id);
            if (one.id < BigInt(names.length)) cancelled.add(one.id);
          } else if (one.kind === 'progress') scene.progress();
          else await turn();
        }
        await turn();
        for (const [index, name] of names.entries()) {
          const id = BigInt(index);
          const isCancelled = cancelled.has(id);
          const created = scene.told.find((one) => one.created && one.watchId === id);
          if (!isCancelled) expect(created).toBeDefined();
          const from = created?.header?.revision ?? 0n;
          const expected = scene.server.revisionsOf(name).filter((revision) => revision > from);
          const got = scene.revisionsOf(id);
          // One that was cancelled may lack what came last.
          expect(got).toEqual(isCancelled ? expected.slice(0, got.length) : expected);
        }
      }),
    );
  });
});
