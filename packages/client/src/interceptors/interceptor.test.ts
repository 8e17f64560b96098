import { create, toBinary } from '@bufbuild/protobuf';
import {
  KV,
  RangeRequestSchema,
  RangeResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import { RpcClient } from '../rpc-client.ts';
import { MemoryCluster } from '../testing/memory-cluster.ts';
import { type Interceptor, isCallOf, withMetadata } from './interceptor.ts';
import { observeStream } from './observed-stream.ts';

const key = Uint8Array.of(1);

function scene(...interceptors: Interceptor[]) {
  const cluster = new MemoryCluster();
  const client = new RpcClient({ endpoints: ['a:1', 'b:1'], interceptors }, cluster.environment);
  return { cluster, client };
}

/** Notes what passes by. */
function noting(name: string, notes: string[]): Interceptor {
  return {
    unary: async (call, next) => {
      notes.push(`${name} asks ${call.method.name}`);
      const answer = await next(call);
      notes.push(`${name} has ${answer.$typeName}`);
      return answer;
    },
  };
}

describe('interceptors of unary calls', () => {
  it('run around each other in the order that they are given in', async () => {
    const notes: string[] = [];
    const { client } = scene(noting('outer', notes), {}, noting('inner', notes));
    await client.kv.range({ key });
    const type = 'etcdserverpb.RangeResponse';
    expect(notes).toEqual([
      'outer asks Range',
      'inner asks Range',
      `inner has ${type}`,
      `outer has ${type}`,
    ]);
  });

  it('know the type of the request when they ask for one method', async () => {
    const limits: (bigint | undefined)[] = [];
    const { client } = scene({
      unary: (call, next) => {
        if (!isCallOf(call, KV.method.range)) return next(call);
        limits.push(call.request.limit);
        return next({ ...call, request: { ...call.request, serializable: true } });
      },
    });
    await client.kv.range({ key, limit: 7n });
    await client.kv.put({ key });
    expect(limits).toEqual([7n]);
  });

  it('see calls of serialized messages as messages', async () => {
    const notes: string[] = [];
    const { client } = scene(noting('one', notes));
    const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key }));
    const answer = await client.unary('/etcdserverpb.KV/Range', request);
    expect(answer).toBeInstanceOf(Uint8Array);
    expect(notes).toEqual(['one asks Range', 'one has etcdserverpb.RangeResponse']);
    await client.unary('/of.others/Method', request);
    expect(notes).toHaveLength(2);
  });

  it('may answer in the place of the server', async () => {
    const { client, cluster } = scene({
      unary: async () => create(RangeResponseSchema, { count: 3n }),
    });
    expect((await client.kv.range({ key })).count).toBe(3n);
    expect(cluster.log).toEqual([]);
  });

  it('may make a call again, and see what it failed with', async () => {
    const codes: string[] = [];
    const { client, cluster } = scene({
      unary: async (call, next) => {
        try {
          return await next(call);
        } catch (error) {
          if (!(error instanceof ClientError)) throw error;
          codes.push(error.code);
          cluster.moods.clear();
          return await next(call);
        }
      },
    });
    cluster.moods.set('a:1', 'unavailable');
    await client.kv.put({ key });
    expect(codes).toEqual(['noLeader']);
  });

  it('may send metadata along, and learn of the endpoints', async () => {
    const endpoints: string[] = [];
    const { client, cluster } = scene({
      unary: (call, next) => {
        const { options } = withMetadata(call, [['token', 'x']]);
        const onAttempt = (endpoint: string) => endpoints.push(endpoint);
        return next({ ...call, options: { ...options, onAttempt } });
      },
    });
    cluster.moods.set('a:1', 'down');
    await client.kv.range({ key });
    expect(endpoints.at(-1)).toBe('b:1');
    expect(cluster.seenTokens).toEqual(['x']);
  });
});

describe('interceptors of streams', () => {
  it('see what goes both ways, and the end', async () => {
    const notes: string[] = [];
    const { client, cluster } = scene({
      stream: (call, next) =>
        observeStream(next(call), {
          onSend: () => notes.push(`${call.method.name} sends`),
          onMessage: (message) => notes.push(`has ${message.$typeName}`),
          onEnd: (error) => notes.push(`ends with ${error?.code}`),
        }),
    });
    const stream = client.watch.watch();
    stream.send({ requestUnion: { case: 'createRequest', value: { key } } });
    await cluster.pass(0);
    cluster.lastStream.answer(WatchResponseSchema, { created: true });
    cluster.lastStream.lose();
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow(/lost/);
    expect(notes).toEqual(['Watch sends', 'has etcdserverpb.WatchResponse', 'ends with unmapped']);
  });

  it('see the streams of those that read messages by themselves', async () => {
    const types: string[] = [];
    const { client, cluster } = scene({
      stream: (call, next) =>
        observeStream(next(call), { onMessage: (message) => types.push(message.$typeName) }),
    });
    const read = (bytes: Uint8Array) => bytes.length;
    const stream = client.stream('/etcdserverpb.Watch/Watch', WatchRequestSchema, read);
    await cluster.pass(0);
    cluster.lastStream.answer(WatchResponseSchema, { created: true });
    for await (const length of stream) {
      expect(length).toBe(2);
      break;
    }
    expect(types).toEqual(['etcdserverpb.WatchResponse']);
    expect(cluster.lastStream.isOpen).toBe(false);
  });

  it('see the reader leave', async () => {
    const ends: unknown[] = [];
    const { client, cluster } = scene({
      stream: (call, next) => observeStream(next(call), { onEnd: (error) => ends.push(error) }),
    });
    const stream = client.watch.watch();
    await cluster.pass(0);
    cluster.lastStream.answer(WatchResponseSchema, { created: true });
    for await (const _ of stream) break;
    stream.cancel();
    expect(ends).toEqual([undefined]);
    expect(cluster.lastStream.isOpen).toBe(false);
  });
});
