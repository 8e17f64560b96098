import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { fromUtf8 } from '../encoding.ts';
import { MemoryStore, textOf } from '../testing/memory-store.ts';
import { pause } from '../timers.ts';
import type { Watch } from './watch.ts';

const keys = ['a', 'b', 'c/1', 'c/2'];

/** Something that happens to the cluster, after so many ms. */
type Step =
  | { readonly what: 'put' | 'delete'; readonly key: string }
  | { readonly what: 'txn' }
  | { readonly what: 'lose' | 'compact' | 'gap' }
  | { readonly what: 'silence' | 'sound' | 'down' | 'up' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ what: fc.constant('put' as const), key: fc.constantFrom(...keys) }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ what: fc.constant('delete' as const), key: fc.constantFrom(...keys) }),
    weight: 3,
  },
  { arbitrary: fc.constant({ what: 'txn' as const }), weight: 3 },
  {
    arbitrary: fc.record({
      what: fc.constantFrom('lose', 'silence', 'sound', 'down', 'up', 'compact', 'gap' as const),
    }),
    weight: 5,
  },
) as fc.Arbitrary<Step>;

const run = fc.record({
  steps: fc.array(fc.tuple(step, fc.constantFrom(0, 0, 0, 60, 700, 5000, 26_000)), {
    minLength: 5,
    maxLength: 60,
  }),
  fragmentEvents: fc.constantFrom(1, 2, 1000),
  choosesIds: fc.boolean(),
  readerPauseMs: fc.constantFrom(0, 0, 40, 3000),
  maxQueuedBytes: fc.constantFrom(300, 1000, 1 << 20),
});

type Run = typeof run extends fc.Arbitrary<infer R> ? R : never;

function clientOf(store: MemoryStore): Client {
  return createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 0 }, store.environment);
}

/** Lets it all happen, with a watch of everything that was opened first; then all is well for long. */
async function play(
  { steps, ...traits }: Run,
  { compacts }: { readonly compacts: boolean },
  open: (client: Client) => Watch[],
  read: (watch: Watch, store: MemoryStore) => Promise<void>,
): Promise<MemoryStore> {
  const store = new MemoryStore();
  store.fragmentEvents = traits.fragmentEvents;
  store.choosesIds = traits.choosesIds;
  const client = clientOf(store);
  const watches = open(client);
  const readings = watches.map((watch) => read(watch, store));
  await store.pass(2000);
  let writes = 0;
  for (const [one, delayMs] of steps) {
    writes += 1;
    if (one.what === 'put') store.put(one.key, String(writes));
    if (one.what === 'delete') store.delete(one.key);
    if (one.what === 'txn') store.txn(keys.map((key) => [key, String(writes)]));
    if (one.what === 'lose') store.loseStreams();
    if (one.what === 'silence' || one.what === 'sound') store.isSilent = one.what === 'silence';
    if (one.what === 'compact' && compacts) store.compact(store.revision);
    if (one.what === 'gap') {
      store.loseStreams();
      store.delete('b');
      store.put('c/1', String(writes));
      if (compacts) store.compact(store.revision);
    }
    if (one.what === 'down') {
      store.moods.set('a:1', 'down');
      store.loseStreams();
    }
    if (one.what === 'up') store.moods.clear();
    await store.pass(delayMs);
  }
  store.isSilent = false;
  store.moods.clear();
  store.put('a', 'end');
  for (let round = 0; round < 40; round++) await store.pass(10_000);
  for (const watch of watches) watch.close();
  await Promise.all(readings);
  client.close();
  return store;
}

describe('a watch, whatever happens', () => {
  it('gives every event once, in order, in whole revisions', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(run, async (one) => {
      const seen: { revision: bigint; events: string[] }[][] = [];
      const open = (client: Client) => [
        client.watch({ prefix: '' }, { maxQueuedBytes: one.maxQueuedBytes }),
        client.watch({ prefix: 'c/' }),
        client.watch({ prefix: '' }, { startRevision: 1n }),
      ];
      const store = await play(one, { compacts: false }, open, async (watch, { environment }) => {
        const mine: (typeof seen)[number] = [];
        seen.push(mine);
        for await (const { revision, events } of watch.batches()) {
          mine.push({ revision, events: events.map(textOf) });
          await pause(environment.timers, one.readerPauseMs);
        }
      });
      const history = store.batches();
      const ofC = history
        .map(({ revision, events }) => ({
          revision,
          events: events.filter((event) => event.includes('c/')),
        }))
        .filter(({ events }) => events.length > 0);
      const flat = (batches: typeof history) => batches.flatMap(({ events }) => events);
      expect(seen.map(flat)).toEqual([flat(history), flat(ofC), flat(history)]);
      const ends = new Set(history.map(({ revision }) => revision));
      for (const { revision } of seen.flat()) expect(ends).toContain(revision);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('leads to what there is, though events are compacted away', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(run, async (one) => {
      const state = new Map<string, string>();
      let last = 0n;
      const open = (client: Client) => [
        client.watch(
          { prefix: '' },
          { onCompaction: 'relist', maxQueuedBytes: one.maxQueuedBytes },
        ),
      ];
      const store = await play(one, { compacts: true }, open, async (watch, { environment }) => {
        for await (const { revision, events } of watch.batches()) {
          expect(revision).toBeGreaterThan(last);
          last = revision;
          for (const { type, entry } of events) {
            if (type === 'put') state.set(fromUtf8(entry.key), fromUtf8(entry.value));
            // What is deleted was there.
            else expect(state.delete(fromUtf8(entry.key))).toBe(true);
          }
          await pause(environment.timers, one.readerPauseMs);
        }
      });
      expect(state).toEqual(store.state());
    });
    await fc.assert(property, { numRuns: 150 });
  });
});
