import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  CompactionRequestSchema,
  CompactionResponseSchema,
  PutRequestSchema,
  PutResponseSchema,
  RangeRequestSchema,
  RangeResponseSchema,
  ResponseHeaderSchema,
} from '@kvorum/api';
import type { UnaryCall } from '@kvorum/h2';
import { describe, expect, it } from 'vitest';
import { type KvBackend, ProxyKv } from './kv.ts';
import { plainKeys } from './namespace.ts';
import { NewestHeader } from './newest-header.ts';
import { ProxyMetrics } from './proxy-metrics.ts';

const key = Buffer.from('k');

/** Members of which each answers with the revision that it has. */
class MemoryBackend implements KvBackend {
  readonly header = new NewestHeader();
  readonly endpoints = ['a', 'b'];
  readonly asked: string[] = [];
  revisions: number[] = [];

  unary(path: string): Promise<Uint8Array> {
    this.asked.push(path.replace(/.*\//, ''));
    const revision = BigInt(this.revisions.shift() ?? 0);
    const header = create(ResponseHeaderSchema, { clusterId: 1n, memberId: 2n, revision });
    const answer = path.endsWith('Range')
      ? toBinary(RangeResponseSchema, create(RangeResponseSchema, { header }))
      : path.endsWith('Put')
        ? toBinary(PutResponseSchema, create(PutResponseSchema, { header }))
        : toBinary(CompactionResponseSchema, create(CompactionResponseSchema, { header }));
    this.header.note(answer);
    return Promise.resolve(answer);
  }
}

function start(isOrdered: boolean) {
  const backend = new MemoryBackend();
  const cache = { maxAgeMs: 0, nowMs: () => 0 };
  const metrics = new ProxyMetrics();
  const kv = new ProxyKv({ backend, metrics, translation: plainKeys, isOrdered, cache });
  const methods = new Map(kv.methods());
  const call = (
    name: string,
    request: Uint8Array,
    token?: string,
  ): Promise<Uint8Array | string> => {
    const method = methods.get(`/etcdserverpb.KV/${name}`);
    if (method?.kind !== 'unary') throw new Error(`no method ${name}`);
    return new Promise((resolve) => {
      const metadata = { get: (field: string) => (field === 'token' ? token : undefined) };
      const fail = (_status: number, text: string) => resolve(text);
      method.handle(request, { metadata, reply: resolve, fail } as unknown as UnaryCall);
    });
  };
  const range = async (init: MessageInitShape<typeof RangeRequestSchema>, token?: string) => {
    const request = toBinary(RangeRequestSchema, create(RangeRequestSchema, { key, ...init }));
    const answer = await call('Range', request, token);
    if (typeof answer === 'string') return answer;
    return Number(fromBinary(RangeResponseSchema, answer).header?.revision);
  };
  const put = () => call('Put', toBinary(PutRequestSchema, create(PutRequestSchema, { key })));
  const compact = (revision: number) => {
    const request = create(CompactionRequestSchema, { revision: BigInt(revision) });
    return call('Compact', toBinary(CompactionRequestSchema, request));
  };
  return { backend, metrics, range, put, compact };
}

describe('the keys and values of a proxy', () => {
  const serializable = true;

  it('are read from the cache by serializable reads alone, and those of the same token', async () => {
    const { backend, metrics, range, put } = start(false);
    backend.revisions = [5, 6, 7, 8, 9];
    expect(await range({})).toBe(5);
    expect(await range({ serializable })).toBe(5);
    expect(await range({})).toBe(6);
    expect(await range({ serializable }, 'token')).toBe(7);
    expect(await range({ serializable, limit: 1n })).toBe(8);
    expect([metrics.cacheHits, metrics.cacheMisses, metrics.cacheKeys]).toEqual([1, 2, 3]);
    await put();
    expect(metrics.cacheKeys).toBe(0);
  });

  it('are not there before what was compacted', async () => {
    const { range, compact } = start(false);
    await compact(10);
    expect(await range({ serializable, revision: 9n })).toBe(
      'etcdserver: mvcc: required revision has been compacted',
    );
    expect(await range({ serializable, revision: 10n })).toBe(0);
  });

  it('never go back in time where they are ordered', async () => {
    const { backend, range } = start(true);
    backend.revisions = [8, 7, 6, 8];
    expect(await range({})).toBe(8);
    expect(await range({ serializable, limit: 2n })).toBe(8);
    expect(backend.asked).toHaveLength(4);
    backend.revisions = Array.from({ length: 20 }, () => 3);
    expect(await range({ serializable, limit: 3n })).toMatch(
      /^etcdclient: no cluster members have/,
    );
    expect(backend.asked).toHaveLength(14);
  });
});
