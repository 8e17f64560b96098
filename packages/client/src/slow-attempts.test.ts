import { describe, expect, it } from 'vitest';
import { type ClientOptions, RpcClient } from './rpc-client.ts';
import { MemoryCluster } from './testing/memory-cluster.ts';

const key = Uint8Array.of(1);

function clientOf(cluster: MemoryCluster, options: Partial<ClientOptions> = {}): RpcClient {
  const endpoints = ['a:1', 'b:1', 'c:1'];
  return new RpcClient({ endpoints, timeoutMs: 20_000, ...options }, cluster.environment);
}

/** When a read has its answer, so much time having passed. */
async function answeredAt(cluster: MemoryCluster, client: RpcClient, passedMs: number) {
  const answered = client.kv.range({ key }).then(() => cluster.nowMs);
  await cluster.pass(passedMs);
  return await answered;
}

const asked = (cluster: MemoryCluster) => cluster.log.splice(0).map((line) => line.split(':')[0]);

describe('an endpoint that takes calls and does not answer', () => {
  it('holds a read for two seconds', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    using client = clientOf(cluster);
    expect(await answeredAt(cluster, client, 2000)).toBe(2000);
    expect(asked(cluster)).toEqual(['a', 'b']);
    expect(cluster.probes).toEqual(['a:1']);
  });

  it('holds it for two seconds more when the next one is silent too', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent').set('b:1', 'silent');
    using client = clientOf(cluster, { hedgeAfterMs: 500 });
    expect(await answeredAt(cluster, client, 1000)).toBe(1000);
    expect(asked(cluster)).toEqual(['a', 'b', 'c']);
    cluster.moods.set('c:1', 'unavailable');
    const call = client.kv.range({ key }, { timeoutMs: 3000 });
    await expect(cluster.settle(call)).rejects.toMatchObject({
      code: 'timeout',
      mayHaveApplied: false,
      failures: [
        { endpoint: 'c:1', reason: 'no-leader' },
        { endpoint: 'b:1', reason: 'timeout' },
        { endpoint: 'a:1', reason: 'timeout' },
      ],
    });
  });

  it('is then asked last, and by no write until a read had its answer', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    using client = clientOf(cluster);
    await answeredAt(cluster, client, 2000);
    asked(cluster);
    for (let at = 0; at < 3; at++) await client.kv.range({ key });
    expect(asked(cluster)).not.toContain('a');
    await cluster.pass(5000);
    for (let at = 0; at < 3; at++) await client.kv.put({ key });
    expect(asked(cluster)).not.toContain('a');
    cluster.moods.set('a:1', 'well');
    for (let at = 0; at < 3; at++) await client.kv.range({ key });
    for (let at = 0; at < 3; at++) await client.kv.put({ key });
    expect(asked(cluster).filter((name) => name === 'a')).toHaveLength(2);
  });

  it('is written to again after half a minute, though nobody reads', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    using client = clientOf(cluster);
    await answeredAt(cluster, client, 2000);
    cluster.moods.set('a:1', 'well');
    await cluster.pass(30_000);
    asked(cluster);
    for (let at = 0; at < 3; at++) await client.kv.put({ key });
    expect(asked(cluster)).toContain('a');
  });

  it('holds a write, which is under way once only, and is asked for a sign of life', async () => {
    const cluster = new MemoryCluster();
    cluster.moods.set('a:1', 'silent');
    for (const isRepeatable of [false, true]) {
      using client = clientOf(cluster);
      const call = client.kv.put({ key }, { isRepeatable, timeoutMs: 7000 });
      await expect(cluster.settle(call)).rejects.toMatchObject({ code: 'timeout' });
      expect(asked(cluster)).toEqual(['a']);
    }
    expect(cluster.probes).toEqual(['a:1', 'a:1']);
  });

  it('is waited for where there is no other, or nobody wants to ask another', async () => {
    for (const options of [{ endpoints: ['a:1'] }, { hedgeAfterMs: 0 }]) {
      const cluster = new MemoryCluster();
      cluster.moods.set('a:1', 'silent');
      using client = clientOf(cluster, options);
      const call = client.kv.range({ key });
      await expect(cluster.settle(call)).rejects.toMatchObject({ code: 'timeout' });
      expect(asked(cluster)).toEqual(['a']);
    }
  });

  it('leaves no timer behind when all is answered', async () => {
    const cluster = new MemoryCluster();
    using client = clientOf(cluster);
    await Promise.all([client.kv.range({ key }), client.kv.range({ key }), client.kv.put({ key })]);
    cluster.tick();
    expect(cluster.nowMs).toBe(0);
  });
});
