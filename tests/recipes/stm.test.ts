import { type Isolation, stm } from '@kvorum/recipes';
import { expect, it } from 'vitest';
import { describeServers } from './servers.ts';

const isolations = [
  'serializableSnapshot',
  'serializable',
  'repeatableReads',
  'readCommitted',
] as const satisfies readonly Isolation[];
const withoutLostUpdates = isolations.slice(0, 3);

describeServers('software transactional memory', (client) => {
  it.each(withoutLostUpdates)('counts right under contention, %s', async (isolation) => {
    const increment = () =>
      stm(
        client(),
        async (tx) => {
          const count = Number((await tx.get('count'))?.string() ?? 0);
          tx.put('count', String(count + 1));
          return count + 1;
        },
        { isolation },
      );
    const worker = async () => {
      const seen: number[] = [];
      for (let i = 0; i < 10; i++) seen.push((await increment()).result);
      return seen;
    };
    const seen = (await Promise.all([worker(), worker(), worker(), worker()])).flat();
    expect((await client().get('count'))?.string()).toBe('40');
    // Each has seen a count of its own.
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it.each(withoutLostUpdates)('keeps sums that several keys have, %s', async (isolation) => {
    const accounts = ['a', 'b', 'c', 'd'];
    for (const account of accounts) await client().put(account, '100');
    const transfer = (from: string, to: string, amount: number) =>
      stm(
        client(),
        async (tx) => {
          const [rich, poor] = await Promise.all([tx.get(from), tx.get(to)]);
          tx.put(from, String(Number(rich?.string()) - amount));
          tx.put(to, String(Number(poor?.string()) + amount));
        },
        { isolation },
      );
    const transfers: Promise<unknown>[] = [];
    for (let i = 0; i < 30; i++) {
      const [from = '', to = ''] = [accounts[i % 4], accounts[(i + 1 + (i % 3)) % 4]];
      transfers.push(transfer(from, to, i));
    }
    await Promise.all(transfers);
    const { entries } = await client().range({ start: 'a', end: 'e' });
    expect(entries.reduce((sum, entry) => sum + Number(entry.string()), 0)).toBe(400);
  });

  it.each(isolations)('reads what others write meanwhile as %s allows', async (isolation) => {
    await client().put('x', '1');
    await client().put('y', '1');
    const views: (string | undefined)[][] = [];
    const { attempts } = await stm(
      client(),
      async (tx) => {
        const x = (await tx.get('x'))?.string();
        if (views.length === 0) {
          await client().put('x', '2');
          await client().put('y', '2');
        }
        views.push([x, (await tx.get('x'))?.string(), (await tx.get('y'))?.string()]);
        tx.put('z', 'seen');
      },
      { isolation },
    );
    const first = {
      serializableSnapshot: ['1', '1', '1'],
      serializable: ['1', '1', '1'],
      repeatableReads: ['1', '1', '2'],
      readCommitted: ['1', '2', '2'],
    }[isolation];
    expect(views[0]).toEqual(first);
    // What has read something old is run again, unless nothing is checked.
    const isChecked = isolation !== 'readCommitted';
    expect(attempts).toBe(isChecked ? 2 : 1);
    if (isChecked) expect(views[1]).toEqual(['2', '2', '2']);
  });

  it('notices others’ writes to what it writes without reading, as a snapshot only', async () => {
    for (const [isolation, expected] of [
      ['serializableSnapshot', 2],
      ['serializable', 1],
    ] as const) {
      await client().put('read', '1');
      let runs = 0;
      await stm(
        client(),
        async (tx) => {
          await tx.get('read');
          if (runs++ === 0) await client().put('written', 'theirs');
          tx.put('written', 'ours');
        },
        { isolation },
      );
      expect(runs).toBe(expected);
      expect((await client().get('written'))?.string()).toBe('ours');
    }
  });

  it('sees its own writes, and writes nothing when it throws', async () => {
    await client().put('a', 'before');
    const { result } = await stm(client(), async (tx) => {
      tx.put('a', 'after');
      const put = (await tx.get('a'))?.string();
      tx.delete('a');
      const deleted = await tx.get('a');
      tx.put('b', '{"n":1}');
      return [put, deleted, (await tx.get('b'))?.json<{ n: number }>().n];
    });
    expect(result).toEqual(['after', undefined, 1]);
    expect(await client().get('a')).toBeUndefined();
    const failing = stm(client(), (tx) => {
      tx.put('b', 'wrong');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect((await client().get('b'))?.string()).toBe('{"n":1}');
  });

  it('gives up after so many attempts, or when it is called off', async () => {
    const contested = (maxAttempts: number, signal?: AbortSignal) =>
      stm(
        client(),
        async (tx) => {
          await tx.get('contested');
          await client().put('contested', 'theirs');
          tx.put('contested', 'ours');
        },
        { maxAttempts, ...(signal === undefined ? {} : { signal }) },
      );
    await expect(contested(3)).rejects.toMatchObject({ code: 'conflict' });
    await expect(contested(3, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });
});
