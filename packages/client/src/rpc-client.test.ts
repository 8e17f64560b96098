import { describe, expect, it } from 'vitest';
import type { ClientError } from './errors.ts';
import { type ClientOptions, RpcClient } from './rpc-client.ts';
import { MemoryCluster } from './testing/memory-cluster.ts';

const key = Uint8Array.of(1);

function clientOf(cluster: MemoryCluster, options: Partial<ClientOptions> = {}): RpcClient {
  const endpoints = ['a:1', 'b:1', 'c:1'];
  return new RpcClient({ endpoints, timeoutMs: 1000, ...options }, cluster.environment);
}

async function failure(cluster: MemoryCluster, call: Promise<unknown>): Promise<ClientError> {
  return await cluster.settle(
    call.then(
      () => Promise.reject(new Error('it succeeded')),
      (e) => e,
    ),
  );
}

describe('a client of several endpoints', () => {
  it('asks them in turn', async () => {
    const cluster = new MemoryCluster();
    using client = clientOf(cluster);
    for (let i = 0; i < 4; i++) await client.kv.range({ key });
    const asked = cluster.log.map((line) => line.split(' ')[0]);
    expect(asked).toEqual(['a:1', 'b:1', 'c:1', 'a:1']);
  });

  it('passes over those that cannot be reached', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'down').set('c:1', 'down');
    using client = clientOf(cluster);
    await client.kv.put({ key });
    await client.kv.put({ key });
    expect(cluster.log).toEqual(['b:1 /etcdserverpb.KV/Put', 'b:1 /etcdserverpb.KV/Put']);
  });

  it('repeats a read elsewhere when a member is unavailable', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'unavailable');
    using client = clientOf(cluster);
    await client.kv.range({ key });
    expect(cluster.log).toEqual(['a:1 /etcdserverpb.KV/Range', 'b:1 /etcdserverpb.KV/Range']);
  });

  it('does not repeat a write that may have been done', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'unavailable');
    using client = clientOf(cluster);
    const error = await failure(cluster, client.kv.put({ key }));
    expect(error).toMatchObject({
      code: 'noLeader',
      endpoint: 'a:1',
      mayHaveApplied: true,
      retryable: true,
      failures: [{ endpoint: 'a:1', reason: 'no-leader' }],
    });
    expect(cluster.log).toHaveLength(1);
  });

  it('says of each endpoint why it did not answer, once the time is over', async () => {
    const cluster = new MemoryCluster();
    for (const endpoint of ['a:1', 'b:1', 'c:1']) cluster.moods.set(endpoint, 'down');
    using client = clientOf(cluster);
    const error = await failure(cluster, client.kv.range({ key }));
    const message = 'nobody listens';
    expect(error).toMatchObject({
      code: 'unreachable',
      mayHaveApplied: false,
      failures: ['a:1', 'b:1', 'c:1'].map((endpoint) => ({ endpoint, reason: 'connect', message })),
    });
  });

  it('reaches a member that comes back in time', async () => {
    const cluster = new MemoryCluster();
    for (const endpoint of ['a:1', 'b:1', 'c:1']) cluster.moods.set(endpoint, 'down');
    using client = clientOf(cluster);
    const call = client.kv.put({ key });
    await new Promise((resolve) => setImmediate(resolve));
    cluster.moods.set('b:1', 'well');
    await cluster.settle(call);
    expect(cluster.log).toEqual(['b:1 /etcdserverpb.KV/Put']);
  });

  it('ends a call without an answer, and says that it may have been done', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    using client = clientOf(cluster);
    const error = await failure(cluster, client.kv.put({ key }));
    expect(error).toMatchObject({ code: 'timeout', mayHaveApplied: true });
  });

  it('ends a call whose signal fires', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    using client = clientOf(cluster, { timeoutMs: 0 });
    const controller = new AbortController();
    const call = failure(cluster, client.kv.range({ key }, { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ code: 'aborted' });
  });

  it('wants at least one endpoint', () => {
    const cluster = new MemoryCluster();
    expect(() => clientOf(cluster, { endpoints: [] })).toThrow(/no endpoints/);
  });
});

describe('a client with a password', () => {
  const credentials = { name: 'alice', password: 'right' };

  it('asks for a token once for all calls that wait', async () => {
    const cluster = new MemoryCluster();
    using client = clientOf(cluster, { credentials });
    await Promise.all([1, 2, 3].map(() => client.kv.range({ key })));
    expect(cluster.log.filter((line) => line.endsWith('/Authenticate'))).toHaveLength(1);
    expect(cluster.seenTokens).toEqual(['token-1', 'token-1', 'token-1']);
  });

  it('asks for another one when the server refuses it, once for all calls', async () => {
    const cluster = new MemoryCluster();
    using client = clientOf(cluster, { credentials });
    await client.kv.range({ key });
    cluster.validToken = 'of a restarted server';
    await Promise.all([1, 2].map(() => client.kv.put({ key })));
    expect(cluster.seenTokens).toEqual(['token-1', 'token-1', 'token-1', 'token-2', 'token-2']);
  });

  it('is refused with a wrong one', async () => {
    const cluster = new MemoryCluster();
    using client = clientOf(cluster, { credentials: { name: 'alice', password: 'wrong' } });
    const error = await failure(cluster, client.authenticate());
    expect(error).toMatchObject({ code: 'authFailed', failures: [{ reason: 'auth' }] });
  });
});
