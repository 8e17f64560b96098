import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient } from '../create-client.ts';
import { fromUtf8 } from '../encoding.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { pause } from '../timers.ts';
import type { Cache } from './cache.ts';

const keys = ['c/1', 'c/2', 'c/3', 'd'];

const whatHappens = fc.oneof(
  { arbitrary: fc.tuple(fc.constant('put'), fc.constantFrom(...keys)), weight: 8 },
  { arbitrary: fc.tuple(fc.constant('delete'), fc.constantFrom(...keys)), weight: 3 },
  { arbitrary: fc.tuple(fc.constant('txn'), fc.constant('')), weight: 2 },
  {
    arbitrary: fc.tuple(
      fc.constantFrom('lose', 'silence', 'sound', 'down', 'up', 'compact', 'gap', 'restore'),
      fc.constant(''),
    ),
    weight: 5,
  },
);

const runs = fc.record({
  steps: fc.array(fc.tuple(whatHappens, fc.constantFrom(0, 0, 0, 60, 700, 5000, 26_000)), {
    minLength: 5,
    maxLength: 60,
  }),
  fragmentEvents: fc.constantFrom(1, 2, 1000),
  choosesIds: fc.boolean(),
  readerPauseMs: fc.constantFrom(0, 0, 40, 3000),
  restores: fc.constantFrom(false, false, true),
});

/** What a store had below `c/` at a revision. */
function stateOf(store: MemoryStore, revision: bigint): [string, string][] {
  const all = [...store.state(revision)];
  return all.filter(([key]) => key.startsWith('c/')).sort(([a], [b]) => (a < b ? -1 : 1));
}

const contentOf = (cache: Cache) => [...cache].map((one) => [one.keyString(), one.string()]);

/** Follows the changes of a cache, and looks after each batch whether they lead to what the store had. */
async function follow(cache: Cache, store: MemoryStore, pauseMs: number, isWhole: () => boolean) {
  const known = new Map<string, string>();
  for await (const { changes, revision } of cache.changes().batches()) {
    for (const { entry, previous } of changes) {
      const key = fromUtf8((entry ?? previous)?.key ?? new Uint8Array(0));
      expect(known.get(key)).toBe(previous?.string());
      if (entry === undefined) known.delete(key);
      else known.set(key, entry.string());
    }
    const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1));
    if (isWhole()) expect(sorted).toEqual(stateOf(store, revision));
    if (pauseMs > 0) await pause(store.environment.timers, pauseMs);
  }
}

it('a cache is what the store was at its revision, which only grows, whatever happens', async () => {
  const property = async ({
    steps,
    ...traits
  }: typeof runs extends fc.Arbitrary<infer R> ? R : never) => {
    const store = new MemoryStore();
    store.fragmentEvents = traits.fragmentEvents;
    store.choosesIds = traits.choosesIds;
    const endpoints = ['a:1', 'b:1'];
    const client = createClient({ endpoints, timeoutMs: 0 }, store.environment);
    const cache = client.cache({ prefix: 'c/' });
    // For a while the cache may have what was lost by a restoration.
    let isRestoring = false;
    const following = follow(cache, store, traits.readerPauseMs, () => !isRestoring);
    let seen = 0n;
    const look = () => {
      if (cache.state === 'loading') return;
      expect(cache.revision).toBeGreaterThanOrEqual(seen);
      seen = cache.revision;
      expect(contentOf(cache)).toEqual(stateOf(store, seen));
    };
    let writes = 0;
    for (const [[what, key], delayMs] of steps) {
      writes += 1;
      const value = String(writes);
      if (what === 'put') store.put(key, value);
      if (what === 'delete') store.delete(key);
      if (what === 'txn') store.txn(keys.map((one) => [one, value]));
      if (what === 'lose') store.loseStreams();
      if (what === 'silence' || what === 'sound') store.isSilent = what === 'silence';
      if (what === 'compact') store.compact(store.revision);
      if (what === 'gap') {
        store.loseStreams();
        store.delete('c/2');
        store.put('c/1', value);
        store.compact(store.revision);
      }
      if (what === 'down' || what === 'up') {
        for (const one of endpoints) store.moods.set(one, what === 'down' ? 'down' : 'well');
        if (what === 'down') store.loseStreams();
      }
      if (what === 'restore' && traits.restores && store.revision > 3n) {
        isRestoring = true;
        store.isSilent = false;
        store.compact(0n);
        store.restore(store.revision - 2n);
        for (const one of endpoints) store.moods.set(one, 'well');
        // Had it been written to before the cache comes back, nobody could tell.
        await store.pass(60_000);
        isRestoring = false;
        seen = 0n;
      }
      await store.pass(delayMs);
      look();
    }
    store.isSilent = false;
    for (const one of endpoints) store.moods.set(one, 'well');
    await store.pass(120_000);
    store.put('d', 'the end');
    await store.settle(cache.synced());
    look();
    expect(cache.state).toBe('live');
    expect(cache.revision).toBe(store.revision);
    expect(contentOf(cache)).toEqual(stateOf(store, store.revision));
    await store.pass(10_000);
    client.close();
    await expect(following).rejects.toMatchObject({ code: 'closed' });
  };
  await fc.assert(fc.asyncProperty(runs, property), { numRuns: 150 });
});
