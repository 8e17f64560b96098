import { etcdErrors, WatchRequestSchema } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import { CallFailure } from '../channel.ts';
import type { Client } from '../client.ts';
import { createClient } from '../create-client.ts';
import { MemoryStore, textOf } from '../testing/memory-store.ts';
import type { MemoryStream } from '../testing/memory-stream.ts';
import type { Watch } from './watch.ts';

function clientOf(store: MemoryStore): Client {
  return createClient({ endpoints: ['a:1', 'b:1'], timeoutMs: 30_000 }, store.environment);
}

/** Reads a watch into a list, until it ends. */
function collect(watch: Watch) {
  const seen: string[] = [];
  const ended = (async () => {
    for await (const event of watch) seen.push((event.isSynthetic ? '~' : '') + textOf(event));
  })();
  ended.catch(() => {});
  return { seen, ended };
}

/** Kinds of requests that came on a stream, in order. */
function kindsOf(stream: MemoryStream): (string | undefined)[] {
  return stream.requests(WatchRequestSchema).map(({ requestUnion }) => requestUnion.case);
}

describe('a watch', () => {
  it('gives events from when it was opened, of its keys alone', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.put('a', '0');
    const watch = client.watch('a');
    const { seen, ended } = collect(watch);
    await store.pass(0);
    expect(await watch.opened).toBe(3n);
    store.put('a', '1');
    store.put('b', '1');
    store.delete('a');
    await store.pass(0);
    expect(seen).toEqual(['a=1', '-a']);
    expect(watch.revision).toBe(5n);
    watch.close();
    await ended;
    await store.pass(0);
    expect(store.lastStream.isOpen).toBe(false);
    client.close();
  });

  it('shares one stream with all others of its client', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const watches = ['a', 'b', 'c'].map((key) => client.watch(key));
    const lists = watches.map(collect);
    await store.pass(0);
    for (const key of ['a', 'b', 'c']) store.put(key, '1');
    await store.pass(0);
    expect(lists.map(({ seen }) => seen)).toEqual([['a=1'], ['b=1'], ['c=1']]);
    expect(store.streams).toHaveLength(1);
    watches[0]?.close();
    await store.pass(0);
    expect(kindsOf(store.lastStream).at(-1)).toBe('cancelRequest');
    expect(store.watchCount).toBe(2);
    client.close();
    await expect(lists[1]?.ended).rejects.toMatchObject({ code: 'closed' });
  });

  it('goes on elsewhere after its stream was lost, without gap or duplicate', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const { seen } = collect(client.watch({ prefix: '' }));
    await store.pass(0);
    store.put('k', '1');
    store.loseStreams();
    store.put('k', '2');
    await store.pass(1000);
    store.put('k', '3');
    await store.pass(0);
    expect(seen).toEqual(['k=1', 'k=2', 'k=3']);
    expect(store.streams.map(({ endpoint }) => endpoint)).toEqual(['a:1', 'b:1']);
    client.close();
  });

  it('that began in the past gives what has happened since', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    for (let i = 2; i <= 5; i++) store.put('k', String(i));
    const { seen } = collect(client.watch('k', { startRevision: 4n, only: 'put' }));
    await store.pass(0);
    store.delete('k');
    await store.pass(0);
    expect(seen).toEqual(['k=4', 'k=5']);
    client.close();
  });

  it('joins fragments to whole revisions, and drops those of a lost stream', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.fragmentEvents = 2;
    const batches: string[][] = [];
    const watch = client.watch({ prefix: '' });
    const reading = (async () => {
      for await (const { events } of watch.batches()) batches.push(events.map(textOf));
    })();
    await store.pass(0);
    store.txn(['a', 'b', 'c', 'd', 'e'].map((key) => [key, '1']));
    await store.pass(0);
    expect(batches).toEqual([['a=1', 'b=1', 'c=1', 'd=1', 'e=1']]);
    watch.close();
    await reading;
    client.close();
  });

  it('is moved on by progress, so that a compaction it has seen all before does not end it', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const { seen, ended } = collect(client.watch('mine'));
    await store.pass(0);
    for (let i = 0; i < 10; i++) store.put('other', String(i));
    await store.pass(11_000);
    store.compact(store.revision);
    store.loseStreams();
    await store.pass(1000);
    store.put('mine', '1');
    await store.pass(0);
    expect(seen).toEqual(['mine=1']);
    client.close();
    await expect(ended).rejects.toMatchObject({ code: 'closed' });
  });

  it('tells its reader of progress that was asked for', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const watch = client.watch('mine', { progress: true });
    const reader = watch.batches();
    await store.pass(0);
    store.put('other', '1');
    await store.pass(10_000);
    expect((await reader.next()).value).toEqual({ revision: store.revision, events: [] });
    client.close();
  });

  it('takes no progress for its own that the server told before it knew of the watch', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.put('k', '1');
    const { seen } = collect(client.watch('k', { startRevision: 2n }));
    const one = collect(client.watch('x', { startRevision: 2n }));
    await store.pass(0);
    expect(seen).toEqual(['k=1']);
    expect(one.seen).toEqual([]);
    client.close();
  });

  it('says that it was compacted away, and from where on there is something', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    for (let i = 0; i < 10; i++) store.put('k', String(i));
    store.compact(8n);
    const watch = client.watch('k', { startRevision: 3n });
    const { ended } = collect(watch);
    await store.pass(0);
    await expect(ended).rejects.toMatchObject({ code: 'compacted', compactRevision: 8n });
    client.close();
  });

  it('ends with its signal, and with the loop that reads it', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const controller = new AbortController();
    const { ended } = collect(client.watch('k', { signal: controller.signal }));
    await store.pass(0);
    controller.abort('enough');
    await expect(ended).rejects.toMatchObject({ code: 'aborted', cause: 'enough' });
    const left = (async () => {
      await using watch = client.watch('k');
      for await (const event of watch) return textOf(event);
      return 'nothing';
    })();
    await store.pass(0);
    store.put('k', '1');
    expect(await left).toBe('k=1');
    await store.pass(0);
    expect(store.watchCount).toBe(0);
    client.close();
  });
});

describe('a watch of a server in trouble', () => {
  it('leaves a stream that is silent even when it is asked', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const { seen } = collect(client.watch('k'));
    await store.pass(0);
    store.isSilent = true;
    store.put('k', '1');
    await store.pass(19_000);
    store.isSilent = false;
    expect(store.streams).toHaveLength(1);
    await store.pass(2000);
    expect(store.streams).toHaveLength(2);
    expect(store.streams[0]?.isCancelled).toBe(true);
    expect(kindsOf(store.streams[0] as MemoryStream)).toEqual([
      'createRequest',
      'progressRequest',
      'createRequest',
    ]);
    expect(seen).toEqual(['k=1']);
    client.close();
  });

  it('keeps a stream on which nothing happens', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    collect(client.watch('k'));
    await store.pass(300_000);
    store.hasNoProgress = true;
    await store.pass(300_000);
    expect(store.streams).toHaveLength(1);
    expect(store.watchCount).toBe(1);
    client.close();
  });

  it('waits for a cluster that cannot be reached, once it was open', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const { seen } = collect(client.watch('k'));
    await store.pass(0);
    store.moods.set('a:1', 'down').set('b:1', 'down');
    store.loseStreams();
    store.put('k', '1');
    await store.pass(600_000);
    store.moods.clear();
    await store.pass(2000);
    expect(seen).toEqual(['k=1']);
    client.close();
  });

  it('fails when it does not come to be in time', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.moods.set('a:1', 'down').set('b:1', 'down');
    const watch = client.watch('k');
    const { ended } = collect(watch);
    await store.pass(31_000);
    await expect(ended).rejects.toMatchObject({
      code: 'unreachable',
      failures: [{ reason: 'connect' }, { reason: 'connect' }],
    });
    await expect(watch.opened).rejects.toMatchObject({ code: 'unreachable' });
    client.close();
  });

  it('is refused, with the reason', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.refusal = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied';
    const { ended } = collect(client.watch('k'));
    await store.pass(0);
    await expect(ended).rejects.toMatchObject({ code: 'permissionDenied', status: 7 });
    client.close();
  });

  it('asks for another token when its own is refused, and gives up when that is as well', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.refusal = 'rpc error: code = Unauthenticated desc = etcdserver: invalid auth token';
    const { ended } = collect(client.watch('k'));
    await store.pass(5000);
    await expect(ended).rejects.toMatchObject({ code: 'invalidAuthToken' });
    expect(store.streams).toHaveLength(3);
    client.close();
  });

  it('gives up when streams end for want of a token that is taken', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.isSilent = true;
    const { ended } = collect(client.watch('k'));
    const { status, text } = etcdErrors.invalidAuthToken;
    for (let round = 0; round < 3; round++) {
      await store.pass(200);
      store.lastStream.end(new CallFailure(status, text, false));
    }
    await store.pass(0);
    await expect(ended).rejects.toMatchObject({ code: 'invalidAuthToken' });
    client.close();
  });

  it('understands a server that chooses ids by itself', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.choosesIds = true;
    const lists = ['a', 'b'].map((key) => collect(client.watch(key)));
    await store.pass(1000);
    store.put('b', '1');
    store.put('a', '1');
    await store.pass(0);
    expect(lists.map(({ seen }) => seen)).toEqual([['a=1'], ['b=1']]);
    client.close();
  });
});

describe('a slow reader', () => {
  it('costs bounded memory, holds up no other, and misses nothing', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    const slow = client.watch({ prefix: '' }, { maxQueuedBytes: 2000 });
    const quick = collect(client.watch({ prefix: '' }));
    await store.pass(0);
    const all = Array.from({ length: 100 }, (_, i) => `k=${i}`);
    for (let i = 0; i < 100; i++) store.put('k', String(i));
    await store.pass(0);
    expect(quick.seen).toEqual(all);
    // The server has stopped to send to the slow one.
    expect(store.watchCount).toBe(1);
    const { seen } = collect(slow);
    await store.pass(0);
    expect(seen).toEqual(all);
    expect(store.streams).toHaveLength(1);
    expect(store.watchCount).toBe(2);
    client.close();
  });
});

describe('a watch that reads anew after a compaction', () => {
  it('tells what has changed meanwhile', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    for (const key of ['kept', 'changed', 'gone']) store.put(key, '1');
    const { seen } = collect(client.watch({ prefix: '' }, { onCompaction: 'relist' }));
    await store.pass(0);
    store.put('seen', '1');
    await store.pass(0);
    store.moods.set('a:1', 'down').set('b:1', 'down');
    store.loseStreams();
    store.put('changed', '2');
    store.put('changed', '3');
    store.delete('gone');
    store.put('new', '1');
    store.put('brief', '1');
    store.delete('brief');
    store.compact(store.revision);
    await store.pass(0);
    store.moods.clear();
    await store.pass(3000);
    expect(seen).toEqual(['seen=1', '~changed=3', '~new=1', '~-gone']);
    store.delete('kept');
    await store.pass(0);
    expect(seen.at(-1)).toBe('-kept');
    client.close();
  });

  it('tells all there is when it begins before what is left', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.put('a', '1');
    store.put('b', '1');
    store.delete('a');
    store.compact(4n);
    const watch = client.watch({ prefix: '' }, { startRevision: 2n, onCompaction: 'relist' });
    const { seen } = collect(watch);
    await store.pass(0);
    expect(seen).toEqual(['~b=1']);
    expect(await watch.opened).toBe(5n);
    client.close();
  });

  it('knows all keys though its reader wants events of one type', async () => {
    const store = new MemoryStore();
    const client = clientOf(store);
    store.put('a', '1');
    const options = { onCompaction: 'relist', only: 'delete' } as const;
    const { seen } = collect(client.watch({ prefix: '' }, options));
    await store.pass(0);
    store.put('b', '1');
    await store.pass(0);
    store.moods.set('a:1', 'down').set('b:1', 'down');
    store.loseStreams();
    store.delete('b');
    store.put('c', '1');
    store.compact(store.revision);
    store.moods.clear();
    await store.pass(3000);
    expect(seen).toEqual(['~-b']);
    client.close();
  });
});
