import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { mirror } from './mirror.ts';

function clientOf(store: MemoryStore): Client {
  return createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 0 }, store.environment);
}

/** Lets time pass in both at once, as far as they have anything to do. */
async function pass(stores: readonly MemoryStore[], delayMs: number): Promise<void> {
  const stepMs = Math.max(10, delayMs / 50);
  for (let ms = 0; ms <= delayMs; ms += stepMs)
    for (const store of stores) await store.pass(stepMs);
}

/** What a store has below a prefix, without it. */
function below(store: MemoryStore, prefix: string, revision?: bigint): string {
  const found = [...store.state(revision)].filter(([key]) => key.startsWith(prefix));
  return found
    .map(([key, value]) => `${key.slice(prefix.length)}=${value}`)
    .sort()
    .join(' ');
}

describe('a mirror', () => {
  it('copies what there is, and goes on with what changes', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    from.put('a/1', 'one');
    from.put('b/1', 'not this');
    to.put('c/old', 'left alone');
    const options = { prefix: 'a/', destinationPrefix: 'c/', checkpoint: 'noted' };
    const copying = mirror(clientOf(from), clientOf(to), options);
    await from.settle(copying.ready);
    expect(copying.revision).toBe(3n);
    expect(below(to, '')).toBe('c/1=one c/old=left alone noted=3');
    from.txn([
      ['a/1', undefined],
      ['a/2', 'two'],
    ]);
    await from.settle(copying.syncedTo(4n));
    expect(below(to, '')).toBe('c/2=two c/old=left alone noted=4');
    from.put('b/1', 'elsewhere');
    await from.settle(copying.syncedTo(5n));
    expect(below(to, '')).toBe('c/2=two c/old=left alone noted=5');
    expect(copying.written).toBe(3);
    copying.close();
    await copying.ended;
  });

  it('goes on from its checkpoint, and copies anew when that is too long ago', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    for (const key of ['k/1', 'k/2']) from.put(key, 'v');
    const options = { prefix: 'k/', checkpoint: 'k/.noted', prune: true };
    const run = async (act: () => void) => {
      await using copying = mirror(clientOf(from), clientOf(to), options);
      await from.settle(copying.ready);
      act();
      await from.settle(copying.syncedTo(from.revision));
      return copying.written;
    };
    expect(await run(() => from.put('k/3', 'v'))).toBe(3);
    from.delete('k/1');
    expect(await run(() => {})).toBe(1);
    expect(below(to, 'k/')).toBe(`.noted=${from.revision} 2=v 3=v`);
    from.delete('k/2');
    from.put('k/4', 'v');
    from.compact(from.revision);
    expect(await run(() => {})).toBe(2);
    expect(below(to, 'k/')).toBe(`.noted=${from.revision} 3=v 4=v`);
    from.compact(0n);
    from.restore(3n);
    const late = mirror(clientOf(from), clientOf(to), options);
    await expect(from.settle(late.ended)).rejects.toMatchObject({ code: 'futureRev' });
    to.put('k/.noted', 'something else');
    const foreign = mirror(clientOf(from), clientOf(to), options);
    await expect(from.settle(foreign.ready)).rejects.toMatchObject({ code: 'configuration' });
  });

  it('ends rather than miss deletions that were compacted away', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    from.put('k/1', 'v');
    const copying = mirror(clientOf(from), clientOf(to), { prefix: 'k/' });
    await from.settle(copying.ready);
    await pass([from, to], 100);
    from.loseStreams();
    from.delete('k/1');
    from.put('k/2', 'v');
    from.compact(from.revision);
    await expect(from.settle(copying.ended)).rejects.toMatchObject({ code: 'compacted' });
    await expect(copying.syncedTo(100n)).rejects.toMatchObject({ code: 'compacted' });
  });

  it('splits revisions that are larger than a transaction may be, and no others', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    const copying = mirror(clientOf(from), clientOf(to), { prefix: '', maxTxnOps: 3 });
    await from.settle(copying.ready);
    await pass([from, to], 100);
    const before = to.revision;
    from.txn(Array.from({ length: 7 }, (_, at) => [`k${at}`, 'v'] as const));
    from.txn([
      ['k0', 'w'],
      ['k1', 'w'],
    ]);
    from.put('k2', 'w');
    from.put('k2', 'x');
    await from.settle(copying.syncedTo(from.revision));
    expect(to.revision - before).toBe(3n + 1n + 1n);
    expect(below(to, '')).toBe(below(from, ''));
    copying.close();
    await copying.ended;
  });

  it('has at each moment what the source had at one, whatever happens', async () => {
    const keys = ['k/1', 'k/2', 'k/3', 'other'];
    const happening = fc.tuple(
      fc.constantFrom('put', 'put', 'delete', 'txn', 'lose', 'down', 'up', 'unavailable', 'gap'),
      fc.constantFrom(...keys),
      fc.constantFrom(0, 0, 50, 3000),
    );
    const property = async (steps: readonly (readonly [string, string, number])[]) => {
      const [from, to] = [new MemoryStore(), new MemoryStore()];
      const options = { prefix: 'k/', destinationPrefix: 'm/', prune: true, checkpoint: 'noted' };
      let copying = mirror(clientOf(from), clientOf(to), options);
      copying.ended.catch(() => {});
      let writes = 0;
      for (const [what, key, delayMs] of steps) {
        writes += 1;
        const value = String(writes);
        if (what === 'put') from.put(key, value);
        if (what === 'delete') from.delete(key);
        if (what === 'txn') from.txn(keys.map((one) => [one, value]));
        if (what === 'lose') from.loseStreams();
        if (what === 'gap') {
          from.loseStreams();
          from.delete('k/1');
          from.put('k/2', value);
          from.compact(from.revision);
        }
        const mood = { down: 'down', unavailable: 'unavailable', up: 'well' } as const;
        const store = writes % 2 === 0 ? from : to;
        for (const one of ['a:1', 'b:1']) {
          if (what in mood) store.moods.set(one, mood[what as keyof typeof mood]);
        }
        await pass([from, to], delayMs);
        if (writes % 7 === 0) {
          copying.close();
          copying = mirror(clientOf(from), clientOf(to), options);
          copying.ended.catch(() => {});
        }
      }
      for (const store of [from, to]) {
        for (const one of ['a:1', 'b:1']) store.moods.set(one, 'well');
      }
      await pass([from, to], 10_000);
      const synced = copying.syncedTo(from.revision);
      await pass([from, to], 5000);
      await synced;
      expect(below(to, 'm/')).toBe(below(from, 'k/'));
      const states = new Set(['']);
      for (let at = 1n; at <= from.revision; at++) states.add(below(from, 'k/', at));
      for (let at = 1n; at <= to.revision; at++) expect(states).toContain(below(to, 'm/', at));
      copying.close();
      await copying.ended;
    };
    const steps = fc.array(happening, { minLength: 5, maxLength: 40 });
    await fc.assert(fc.asyncProperty(steps, property), { numRuns: 40 });
  });
});
