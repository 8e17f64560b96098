import { type Client, op } from '@kvorum/client';
import { beforeEach, expect, it } from 'vitest';
import { eventually } from '../framework/eventually.ts';
import { describeTargets } from './targets.ts';
import { Reading } from './watching.ts';

let spaces = 0;

describeTargets('a watch', (target) => {
  let client: Client;
  beforeEach(() => {
    client = target().connect().namespace(`watch-${spaces++}/`);
  });

  it('gives what is written from when it is opened', async () => {
    await client.put('k', '0');
    await using watch = client.watch({ prefix: '' }, { previous: true });
    const reading = new Reading(watch);
    const first = await watch.opened;
    const { revision } = await client.put('k', '1');
    expect(first).toBeLessThanOrEqual(revision);
    await client.delete('k');
    await client.put('k', '2');
    await reading.until('k=2');
    expect(reading.texts).toEqual(['k=1', '-k', 'k=2']);
    expect(reading.events.map(({ previous }) => previous?.string())).toEqual(['0', '1', undefined]);
    expect(reading.events[0]?.entry.modRevision).toBe(revision);
    expect(watch.revision).toBe(revision + 2n);
  });

  it('gives what has happened since a revision', async () => {
    const { revision } = await client.put('k', '1');
    await client.put('other', 'x');
    await client.put('k', '2');
    await using watch = client.watch('k', { startRevision: revision });
    const reading = new Reading(watch);
    await client.put('k', '3');
    await reading.until('k=3');
    expect(reading.texts).toEqual(['k=1', 'k=2', 'k=3']);
  });

  it('filters', async () => {
    await using puts = client.watch({ prefix: '' }, { only: 'put' });
    await using deletes = client.watch({ prefix: '' }, { only: 'delete' });
    const readings = [puts, deletes].map((watch) => new Reading(watch));
    await Promise.all([puts.opened, deletes.opened]);
    await client.put('k', '1');
    await client.delete('k');
    await client.put('k', '2');
    await client.delete('k');
    await client.put('k', 'end');
    await client.delete('k');
    await readings[0]?.until('k=end');
    expect(readings[0]?.texts).toEqual(['k=1', 'k=2', 'k=end']);
    await eventually('all deletions', () => readings[1]?.texts.length === 3);
    expect(readings[1]?.texts).toEqual(['-k', '-k', '-k']);
  });

  it('keeps transactions whole', async () => {
    await using watch = client.watch({ prefix: '' });
    await watch.opened;
    const keys = Array.from({ length: 50 }, (_, at) => `k${String(at).padStart(2, '0')}`);
    const value = 'v'.repeat(20_000);
    await client
      .txn()
      .then(...keys.map((key) => op.put(key, value)))
      .commit();
    for await (const { events } of watch.batches()) {
      expect(events.map(({ entry }) => entry.keyString())).toEqual(keys);
      break;
    }
  });

  it('shares a stream with hundreds of others', async () => {
    const watches = Array.from({ length: 300 }, (_, at) => client.watch(`k${at}`));
    await Promise.all(watches.map((watch) => watch.opened));
    const readings = watches.map((watch) => new Reading(watch));
    for (let at = 0; at < 300; at++) await client.put(`k${at}`, String(at));
    await readings.at(-1)?.until('k299=299');
    expect(readings.map(({ texts }) => texts)).toEqual(readings.map((_, at) => [`k${at}=${at}`]));
    for (const watch of watches) watch.close();
    await Promise.all(readings.map(({ ended }) => ended));
  });

  it('misses nothing though its reader is slow and its queue is short', async () => {
    await using watch = client.watch({ prefix: '' }, { maxQueuedBytes: 10_000 });
    await watch.opened;
    const value = 'v'.repeat(2000);
    for (let at = 0; at < 100; at++) await client.put('k', `${at} ${value}`);
    const seen: string[] = [];
    for await (const { entry } of watch) {
      seen.push(entry.string().split(' ')[0] ?? '');
      if (seen.length === 100) break;
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, at) => String(at)));
  });

  it('says that what it should begin with was compacted away', async () => {
    const { revision } = await client.put('k', '1');
    await client.put('k', '2');
    const last = await client.put('k', '3');
    await client.rpc.kv.compact({ revision: last.revision, physical: true });
    // A member that has not come to it yet still has the events to give.
    await target().caughtUp();
    const thrown = new Reading(client.watch('k', { startRevision: revision }));
    await expect(thrown.ended).rejects.toMatchObject({
      code: 'compacted',
      compactRevision: last.revision,
    });
    const options = { startRevision: revision, onCompaction: 'relist' } as const;
    await using watch = client.watch('k', options);
    const reading = new Reading(watch);
    await reading.until('~k=3');
    await client.put('k', '4');
    await reading.until('k=4');
    expect(reading.texts).toEqual(['~k=3', 'k=4']);
  });

  it('ends with its signal', async () => {
    const controller = new AbortController();
    const watch = client.watch('k', { signal: controller.signal });
    const reading = new Reading(watch);
    await watch.opened;
    controller.abort('enough');
    await expect(reading.ended).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
  });
});
