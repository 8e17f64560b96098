import { describe, expect, it } from 'vitest';
import { createClient } from './create-client.ts';
import { MemoryLeases } from './testing/memory-leases.ts';
import { MemoryStore, textOf } from './testing/memory-store.ts';
import type { WatchOptions } from './watch/watch.ts';

const minuteMs = 60_000;
/** By then a peer that does not answer is known to be dead. */
const noticedMs = 21_000;

function watched(options: WatchOptions = {}) {
  const store = new MemoryStore();
  const client = createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 5000 }, store.environment);
  const seen: string[] = [];
  const read = async () => {
    for await (const event of client.watch({ prefix: 'k' }, options)) seen.push(textOf(event));
  };
  const ended = read();
  ended.catch(() => {});
  return { store, client, seen, ended };
}

describe('a minute of silence', () => {
  it('in which nothing happens costs a watch nothing', async () => {
    const { store, client, seen } = watched();
    await store.pass(minuteMs);
    store.put('k1', '1');
    await store.pass(minuteMs);
    store.put('k2', '2');
    await store.pass(0);
    expect(seen).toEqual(['k1=1', 'k2=2']);
    expect(store.streams).toHaveLength(1);
    client.close();
  });

  it('of a dead peer is noticed by a watch, which misses and repeats nothing', async () => {
    for (const options of [{}, { onCompaction: 'relist' }] as const) {
      const { store, client, seen } = watched(options);
      await store.pass(1000);
      store.put('k1', 'before');
      await store.pass(0);
      const [first] = store.streams;
      store.isSilent = true;
      // The last that the connection took, and the first that it did not.
      store.put('k2', 'unheard');
      await store.pass(noticedMs);
      expect(first?.isCancelled).toBe(true);
      store.put('k1', 'later');
      store.delete('k2');
      await store.pass(minuteMs - noticedMs);
      store.put('k3', 'last');
      expect(seen).toEqual(['k1=before']);
      store.isSilent = false;
      await store.pass(noticedMs + 2000);
      expect(seen).toEqual(['k1=before', 'k2=unheard', 'k1=later', '-k2', 'k3=last']);
      store.put('k4', 'after');
      await store.pass(0);
      expect(seen.at(-1)).toBe('k4=after');
      client.close();
    }
  });

  it('of a dead peer is noticed by a cache, which then has everything', async () => {
    const { store, client } = watched();
    const cache = client.cache({ prefix: 'k' });
    store.put('k1', 'before');
    await store.pass(1000);
    const { liveSignal } = cache;
    store.isSilent = true;
    store.put('k2', 'unheard');
    await store.pass(noticedMs);
    expect([liveSignal.aborted, cache.state]).toEqual([true, 'stale']);
    await store.pass(minuteMs - noticedMs);
    expect(cache.size).toBe(1);
    store.isSilent = false;
    await store.pass(noticedMs + 2000);
    expect([cache.size, cache.state]).toEqual([2, 'live']);
    client.close();
  });

  it('costs a lease nothing that is renewed meanwhile, or outlives it', async () => {
    const cluster = new MemoryLeases();
    const client = createClient({ endpoints: ['a:1', 'b:1'] }, cluster.environment);
    const [short, long] = [await client.lease(5), await client.lease(120)];
    await cluster.pass(minuteMs);
    expect(cluster.streams).toHaveLength(1);
    cluster.renewals = 'lost';
    await cluster.pass(minuteMs);
    expect(short.signal.reason).toMatchObject({ code: 'leaseExpired' });
    // The stream was left for others, in case they are better.
    expect(cluster.streams.length).toBeGreaterThan(2);
    cluster.renewals = 'answered';
    await cluster.pass(minuteMs);
    expect([long.signal.aborted, cluster.isAlive(long.id)]).toEqual([false, true]);
    expect(long.remainingMs).toBeGreaterThan(minuteMs);
    client.close();
  });

  it('of a dead peer is the end of shorter leases, before it is for the server', async () => {
    for (const renewals of ['lost', 'unanswered'] as const) {
      const cluster = new MemoryLeases();
      const client = createClient({ endpoints: ['a:1', 'b:1'] }, cluster.environment);
      const leases = await Promise.all([2, 10, 50].map((ttlSeconds) => client.lease(ttlSeconds)));
      const wasAlive: boolean[] = [];
      for (const { id, signal } of leases) {
        signal.addEventListener('abort', () => wasAlive.push(cluster.isAlive(id)));
      }
      cluster.renewals = renewals;
      await cluster.pass(minuteMs);
      expect(wasAlive).toEqual([true, true, true]);
      client.close();
    }
  });
});
