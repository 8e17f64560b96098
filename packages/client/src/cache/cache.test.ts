import { describe, expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import type { Cache } from './cache.ts';
import type { CacheChange } from './cache-change.ts';

function clientOf(store: MemoryStore): Client {
  return createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 5000 }, store.environment);
}

/** A store with a few keys, and a cache of those below `c/` that has been read. */
async function opened(): Promise<{ store: MemoryStore; client: Client; cache: Cache }> {
  const store = new MemoryStore();
  for (const key of ['a', 'c/1', 'c/2', 'd']) store.put(key, `${key} of the beginning`);
  const client = clientOf(store);
  const cache = client.cache({ prefix: 'c/' });
  await store.settle(cache.ready);
  await store.pass(0);
  return { store, client, cache };
}

const keysOf = (entries: Iterable<{ keyString(): string }>) =>
  [...entries].map((entry) => entry.keyString());

function textOf({ type, entry, previous }: CacheChange): string {
  const text = `${(entry ?? previous)?.keyString()}: ${previous?.string()} > ${entry?.string()}`;
  return `${type} ${text}`;
}

describe('a cache', () => {
  it('has what there was when it was made, and follows what happens', async () => {
    const { store, cache } = await opened();
    expect(cache.state).toBe('live');
    expect(cache.revision).toBe(5n);
    expect(keysOf(cache)).toEqual(['c/1', 'c/2']);
    expect(cache.get('c/1')?.string()).toBe('c/1 of the beginning');
    store.txn([
      ['c/0', 'new'],
      ['c/1', 'changed'],
      ['c/2', undefined],
    ]);
    await store.pass(0);
    expect(keysOf(cache)).toEqual(['c/0', 'c/1']);
    expect(cache.get('c/1')?.string()).toBe('changed');
    expect([cache.has('c/2'), cache.size, cache.revision]).toEqual([false, 2, 6n]);
  });

  it('gives ranges in either order, and no more than asked for', async () => {
    const { store, cache } = await opened();
    for (const key of ['c/10', 'c/3', 'c/30']) store.put(key, '');
    await store.pass(0);
    expect(keysOf(cache.range({ prefix: 'c/1' }))).toEqual(['c/1', 'c/10']);
    expect(keysOf(cache.range({ start: 'c/10', end: 'c/30' }))).toEqual(['c/10', 'c/2', 'c/3']);
    expect(keysOf(cache.range('c/2'))).toEqual(['c/2']);
    const last = { limit: 2, order: 'descending' } as const;
    expect(keysOf(cache.range({ prefix: 'c/' }, last))).toEqual(['c/30', 'c/3']);
  });

  it('answers for the keys it has, and for no others', async () => {
    const { client, cache } = await opened();
    for (const read of [
      () => cache.get('a'),
      () => cache.range({ prefix: 'c' }),
      () => cache.range({ fromKey: 'c/1' }),
    ]) {
      expect(read).toThrow(expect.objectContaining({ code: 'configuration' }));
    }
    const loading = client.cache('c/1');
    expect(loading.state).toBe('loading');
    for (const read of [() => loading.get('c/1'), () => loading.changes({ initial: false })]) {
      expect(read).toThrow(expect.objectContaining({ code: 'notReady' }));
    }
  });

  it('knows nothing of the namespace it is in', async () => {
    const { store, client } = await opened();
    const cache = client.namespace('c/').cache({ prefix: '' });
    await store.settle(cache.ready);
    expect(keysOf(cache)).toEqual(['1', '2']);
    expect(cache.get('1')?.string()).toBe('c/1 of the beginning');
    store.put('c/3', '');
    store.put('d', '');
    await store.pass(0);
    expect(keysOf(cache.range({ fromKey: '2' }))).toEqual(['2', '3']);
  });

  it('waits for a revision that none of its keys has', async () => {
    const { store, cache } = await opened();
    store.put('d', 'elsewhere');
    await store.pass(0);
    expect(cache.revision).toBe(5n);
    await store.settle(cache.syncedTo(6n));
    expect(cache.revision).toBe(6n);
    await expect(store.settle(cache.syncedTo(7n, { timeoutMs: 100 }))).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
    await expect(cache.syncedTo(7n, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  it('waits for a revision although it began at an earlier one than its watch', async () => {
    const store = new MemoryStore();
    store.put('c/1', '');
    const client = clientOf(store);
    const cache = client.cache({ prefix: 'c/' });
    // Between its reading and its watch.
    cache.ready.then(() => store.put('d', 'elsewhere'));
    await store.settle(cache.ready);
    await store.settle(cache.syncedTo(3n));
    expect(cache.revision).toBe(3n);
  });

  it('synced has all that was written before', async () => {
    const { store, cache } = await opened();
    store.loseStreams();
    store.put('c/1', 'unheard');
    store.put('d', 'elsewhere');
    await store.pass(0);
    expect(cache.get('c/1')?.string()).toBe('c/1 of the beginning');
    await store.settle(cache.synced());
    expect(cache.get('c/1')?.string()).toBe('unheard');
    expect(cache.revision).toBe(7n);
  });

  it('says when it may be behind', async () => {
    const { store, cache } = await opened();
    const { liveSignal } = cache;
    expect([cache.state, cache.staleMs, liveSignal.aborted]).toEqual(['live', 0, false]);
    for (const endpoint of ['a:1', 'b:1']) store.moods.set(endpoint, 'down');
    store.loseStreams();
    await store.pass(3000);
    expect([cache.state, cache.staleMs, liveSignal.aborted]).toEqual(['stale', 3000, true]);
    expect(liveSignal.reason).toMatchObject({ message: 'the connection is lost' });
    expect(cache.get('c/1')?.string()).toBe('c/1 of the beginning');
    expect(cache.liveSignal.aborted).toBe(true);
    for (const endpoint of ['a:1', 'b:1']) store.moods.set(endpoint, 'well');
    await store.pass(3000);
    expect([cache.state, cache.staleMs, cache.liveSignal.aborted]).toEqual(['live', 0, false]);
  });

  it('tells what there is, and what happens to it', async () => {
    const { store, cache } = await opened();
    const told: string[] = [];
    const reading = (async () => {
      for await (const change of cache.changes()) told.push(textOf(change));
    })();
    const fresh = cache.changes({ initial: false });
    await store.pass(0);
    store.put('c/1', 'one');
    await store.pass(0);
    store.delete('c/1');
    store.put('c/3', 'three');
    await store.pass(0);
    expect(told).toEqual([
      'added c/1: undefined > c/1 of the beginning',
      'added c/2: undefined > c/2 of the beginning',
      'modified c/1: c/1 of the beginning > one',
      'deleted c/1: one > undefined',
      'added c/3: undefined > three',
    ]);
    const [batch] = (await fresh.batches().next()).value?.changes ?? [];
    expect(batch && textOf(batch)).toBe('deleted c/1: c/1 of the beginning > undefined');
    cache.close();
    await expect(reading).rejects.toMatchObject({ code: 'closed' });
  });

  it('tells a reader that was away what came of it all', async () => {
    const { store, cache } = await opened();
    const changes = cache.changes();
    store.put('c/1', 'one');
    store.put('c/1', 'two');
    store.delete('c/2');
    store.put('c/3', 'brief');
    store.delete('c/3');
    await store.pass(0);
    const batches = changes.batches();
    const { value } = await batches.next();
    expect(value?.revision).toBe(cache.revision);
    expect(value?.changes.map(textOf)).toEqual(['added c/1: undefined > two']);
    await batches.return();
    expect((await changes.batches().next()).done).toBe(true);
  });

  it('reads anew what was compacted away, and tells the difference', async () => {
    const { store, cache } = await opened();
    const changes = cache.changes({ initial: false });
    store.loseStreams();
    store.put('c/1', 'one');
    store.delete('c/2');
    store.put('c/3', 'three');
    store.compact(store.revision);
    await store.pass(3000);
    expect([cache.state, cache.revision]).toEqual(['live', 8n]);
    expect(keysOf(cache)).toEqual(['c/1', 'c/3']);
    const { value } = await changes.batches().next();
    expect(value?.changes.map(textOf)).toEqual([
      'modified c/1: c/1 of the beginning > one',
      'added c/3: undefined > three',
      'deleted c/2: c/2 of the beginning > undefined',
    ]);
    store.put('c/4', 'four');
    await store.pass(0);
    expect(cache.has('c/4')).toBe(true);
  });

  it('notices that the store was restored from a backup', async () => {
    const { store, cache } = await opened();
    store.put('c/1', 'lost');
    store.put('c/9', 'lost');
    await store.pass(0);
    store.restore(5n);
    store.put('c/1', 'other');
    await store.pass(3000);
    expect(cache.revision).toBe(6n);
    expect(cache.get('c/1')?.string()).toBe('other');
    expect(keysOf(cache)).toEqual(['c/1', 'c/2']);
  });

  it('ends with its signal, with its client, and when it cannot be read in time', async () => {
    const { store, client, cache } = await opened();
    const controller = new AbortController();
    const aborted = client.cache({ prefix: '' }, { signal: controller.signal });
    const waiting = aborted.syncedTo(100n);
    controller.abort('enough');
    await expect(aborted.ready).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    for (const endpoint of ['a:1', 'b:1']) store.moods.set(endpoint, 'down');
    const unread = client.cache({ prefix: '' });
    await expect(store.settle(unread.ready)).rejects.toMatchObject({ code: 'timeout' });
    expect(unread.state).toBe('ended');
    client.close();
    await store.pass(0);
    expect(cache.state).toBe('ended');
    expect(() => cache.size).toThrow(expect.objectContaining({ code: 'closed' }));
    await expect(cache.synced()).rejects.toMatchObject({ code: 'closed' });
  });
});
