import { type CacheChange, type Client, connect, op } from '@kvorum/client';
import { beforeEach, expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { TestProxy } from './proxy.ts';
import { describeMembers, describeTargets } from './targets.ts';

let spaces = 0;

/** What the store has below a prefix, as a cache should have it. */
async function storedBelow(client: Client, prefix: string): Promise<string[]> {
  const { entries } = await client.range({ prefix });
  return entries.map(textOf);
}

const textOf = (entry: { keyString(): string; string(): string; modRevision: bigint }) =>
  `${entry.keyString()}=${entry.string()}@${entry.modRevision}`;

describeTargets('a cache', (target) => {
  let client: Client;
  let other: Client;
  beforeEach(() => {
    const space = `cache-${spaces++}/`;
    client = target().connect().namespace(space);
    other = target().connect().namespace(space);
  });

  it('has what there is, and what any client writes', async () => {
    const puts = Array.from({ length: 300 }, (_, at) => op.put(`k/${at}`, 'v'.repeat(at)));
    for (let at = 0; at < 300; at += 100) {
      await client
        .txn()
        .then(...puts.slice(at, at + 100))
        .commit();
    }
    await client.put('beside', '');
    await using cache = client.cache({ prefix: 'k/' });
    await cache.ready;
    expect(cache.size).toBe(300);
    expect([...cache].map(textOf)).toEqual(await storedBelow(client, 'k/'));
    await other.delete({ prefix: 'k/1' });
    await other.put('k/new', '1');
    await cache.synced();
    expect(cache.size).toBe(190);
    expect([...cache].map(textOf)).toEqual(await storedBelow(client, 'k/'));
    expect(cache.get('k/new')).toMatchObject({ version: 1n });
    expect(cache.state).toBe('live');
  });

  it('gives what one has written oneself, and knows of writes to other keys', async () => {
    await using cache = client.cache({ prefix: 'k/' });
    await cache.ready;
    for (let at = 0; at < 20; at++) {
      const { revision } = await client.put('k/mine', String(at));
      await cache.syncedTo(revision);
      expect(cache.get('k/mine')?.string()).toBe(String(at));
      const beside = await client.put('beside', String(at));
      await cache.syncedTo(beside.revision);
      expect(cache.revision).toBeGreaterThanOrEqual(beside.revision);
    }
  });

  it('is, once synced, never behind what another client was told', async () => {
    await using cache = client.cache({ prefix: 'k/' });
    for (let at = 0; at < 30; at++) {
      await other.put(at % 2 === 0 ? 'k/counter' : 'beside', String(at));
      await cache.synced();
      expect(cache.get('k/counter')?.string()).toBe(String(at - (at % 2)));
    }
  });

  it('never shows a part of a transaction', async () => {
    const keys = Array.from({ length: 20 }, (_, at) => `k/${at}`);
    const write = (value: string) =>
      other
        .txn()
        .then(...keys.map((key) => op.put(key, value)))
        .commit();
    await write('0');
    await using cache = client.cache({ prefix: 'k/' });
    await cache.ready;
    let isDone = false;
    const writing = (async () => {
      for (let at = 1; at <= 50; at++) await write(String(at));
      isDone = true;
    })();
    const seen = new Set<string>();
    await eventually('the last write', () => {
      const values = new Set([...cache].map((entry) => entry.string()));
      expect(values.size).toBe(1);
      for (const value of values) seen.add(value);
      return isDone && values.has('50');
    });
    await writing;
    expect(seen.has('50')).toBe(true);
  });

  it('tells changes with what was there before', async () => {
    await client.put('k/1', 'a');
    await using cache = client.cache({ prefix: 'k/' });
    const told: string[] = [];
    const text = ({ type, entry, previous }: CacheChange) =>
      `${type} ${previous?.string() ?? ''}>${entry?.string() ?? ''}`;
    const reading = (async () => {
      for await (const change of cache.changes()) told.push(text(change));
    })();
    reading.catch(() => {});
    await eventually('what is there', () => told.length === 1);
    await client.put('k/1', 'b');
    await eventually('the change', () => told.length === 2);
    await client.delete('k/1');
    await eventually('the deletion', () => told.length === 3);
    expect(told).toEqual(['added >a', 'modified a>b', 'deleted b>']);
  });
});

describeMembers('a cache under faults', (start) => {
  it('reads anew what was compacted away while it was cut off', async () => {
    await using member = await start();
    await using proxy = await TestProxy.open(member.endpoint);
    await using direct = connect({ endpoints: [member.endpoint] });
    await using client = connect({ endpoints: [proxy.endpoint] });
    await direct.put('k/kept', '1');
    await direct.put('k/gone', '1');
    await using cache = client.cache({ prefix: 'k/' });
    await cache.ready;
    const changes = cache.changes({ initial: false }).batches();
    await eventually('the watch', () => cache.state === 'live');
    const { liveSignal } = cache;
    proxy.refuse();
    await eventually('the loss is noticed', () => liveSignal.aborted);
    expect(cache.state).toBe('stale');
    await direct.put('k/new', '1');
    await direct.put('k/new', '2');
    await direct.delete('k/gone');
    await direct.put('k/brief', '1');
    const { revision } = await direct.delete('k/brief');
    await direct.compact(revision, { physical: true });
    proxy.breakOpen();
    const { value } = await changes.next();
    expect(value?.changes.map(({ type }) => type)).toEqual(['added', 'deleted']);
    await cache.synced();
    expect([...cache].map(textOf)).toEqual(await storedBelow(direct, 'k/'));
    expect(cache.state).toBe('live');
  });

  it('is what the store is, though the server is killed again and again', async () => {
    await using member = await start();
    await using client = connect({ endpoints: [member.endpoint], timeoutMs: 20_000 });
    await using cache = client.cache({ prefix: 'k/' });
    await cache.ready;
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 20; at++) await client.put(`k/${(at * 7) % 11}`, `${round}/${at}`);
      await member.kill();
      await member.restart();
    }
    await client.delete('k/3');
    await cache.synced();
    expect([...cache].map(textOf)).toEqual(await storedBelow(client, 'k/'));
  });
});
