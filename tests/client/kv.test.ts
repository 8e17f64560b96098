import { type Client, json, type KeyValue, op } from '@kvorum/client';
import { beforeEach, expect, it } from 'vitest';
import { describeTargets } from './targets.ts';

let spaces = 0;

const text = (entries: readonly KeyValue[]) =>
  entries.map((entry) => `${entry.keyString()}=${entry.string()}`);

describeTargets('keys and values', (target) => {
  let client: Client;
  beforeEach(() => {
    // A namespace of its own for each test: what others write is not seen.
    client = target().connect().namespace(`kv-${spaces++}/`);
  });

  it('are text, bytes or JSON', async () => {
    await client.put('text', 'grüße');
    await client.put(Uint8Array.of(1, 255), Uint8Array.of(0, 254));
    await client.put('json', json({ cpu: 2, names: ['a'] }));
    const entry = await client.get('text');
    expect(entry?.string()).toBe('grüße');
    expect(entry?.keyString()).toBe('text');
    expect([...((await client.get(Uint8Array.of(1, 255)))?.value ?? [])]).toEqual([0, 254]);
    expect((await client.get('json'))?.json<{ cpu: number }>().cpu).toBe(2);
    expect(await client.get('missing')).toBeUndefined();
  });

  it('tell when they were written', async () => {
    const first = await client.put('k', '1');
    const second = await client.put('k', '2', { previous: true });
    expect(second.revision).toBe(first.revision + 1n);
    expect(first.previous).toBeUndefined();
    expect(second.previous?.string()).toBe('1');
    expect(await client.get('k')).toMatchObject({
      createRevision: first.revision,
      modRevision: second.revision,
      version: 2n,
      lease: 0n,
    });
    const before = await client.get('k', { revision: first.revision });
    expect(before?.string()).toBe('1');
  });

  it('are read in ranges', async () => {
    for (const key of ['a', 'b/1', 'b/2', 'b/3', 'c']) await client.put(key, key);
    const prefix = await client.range({ prefix: 'b/' });
    expect(text(prefix.entries)).toEqual(['b/1=b/1', 'b/2=b/2', 'b/3=b/3']);
    expect(prefix).toMatchObject({ count: 3, more: false });
    const fromKey = await client.range({ fromKey: 'b/3' });
    expect(text(fromKey.entries)).toEqual(['b/3=b/3', 'c=c']);
    const span = await client.range({ start: 'a', end: 'b/2' });
    expect(text(span.entries)).toEqual(['a=a', 'b/1=b/1']);
    const limited = await client.range({ prefix: '' }, { limit: 2 });
    expect(text(limited.entries)).toEqual(['a=a', 'b/1=b/1']);
    expect(limited).toMatchObject({ count: 5, more: true });
    expect(await client.count({ prefix: 'b/' })).toBe(3);
    await target().caughtUp();
    expect(await client.count({ prefix: '' }, { serializable: true })).toBe(5);
  });

  it('are sorted and filtered by the server', async () => {
    const b = await client.put('b', '1');
    await client.put('a', '3');
    const c = await client.put('c', '2');
    const keys = { prefix: '' };
    const byValue = await client.range(keys, { sortBy: 'value', order: 'descending' });
    expect(text(byValue.entries)).toEqual(['a=3', 'c=2', 'b=1']);
    const byCreation = await client.range(keys, { sortBy: 'createRevision', limit: 1 });
    expect(text(byCreation.entries)).toEqual(['b=1']);
    const newer = await client.range(keys, { minModRevision: b.revision + 1n });
    expect(text(newer.entries)).toEqual(['a=3', 'c=2']);
    const older = await client.range(keys, { maxCreateRevision: c.revision - 1n });
    expect(text(older.entries)).toEqual(['a=3', 'b=1']);
    const bare = await client.range(keys, { keysOnly: true });
    expect(text(bare.entries)).toEqual(['a=', 'b=', 'c=']);
  });

  it('are read in pages of one revision, however many there are', async () => {
    const name = (at: number) => `many/${String(at).padStart(5, '0')}`;
    const names = Array.from({ length: 3000 }, (_, at) => name(at));
    for (let at = 0; at < names.length; at += 100) {
      const puts = names.slice(at, at + 100).map((key) => op.put(key, key));
      await client
        .txn()
        .then(...puts)
        .commit();
    }
    const seen: string[] = [];
    for await (const entry of client.getAll({ prefix: 'many/' })) {
      // What is written meanwhile is not part of it.
      if (seen.length === 10) await client.delete({ prefix: 'many/' });
      expect(entry.string()).toBe(entry.keyString());
      seen.push(entry.keyString());
    }
    expect(seen).toEqual(names);
    expect(await client.getAll({ prefix: 'many/' }).toArray()).toEqual([]);
  });

  it('are read in pages up to a limit, and no further when the reader leaves', async () => {
    for (let at = 0; at < 5; at++) await client.put(`k${at}`, '');
    const limited = await client.getAll({ prefix: 'k' }, { limit: 3 }).toArray();
    expect(limited.map((entry) => entry.keyString())).toEqual(['k0', 'k1', 'k2']);
    for await (const entry of client.getAll({ prefix: 'k' })) {
      expect(entry.keyString()).toBe('k0');
      break;
    }
  });

  it('are deleted one by one and in ranges', async () => {
    for (const key of ['a', 'b/1', 'b/2']) await client.put(key, key);
    const one = await client.delete('a', { previous: true });
    expect(one.deleted).toBe(1);
    expect(text(one.previous)).toEqual(['a=a']);
    const two = await client.delete({ prefix: 'b/' });
    expect(two).toMatchObject({ deleted: 2, previous: [], revision: one.revision + 1n });
    expect(await client.delete('a')).toMatchObject({ deleted: 0, revision: two.revision });
  });

  it('are refused with a code to switch on', async () => {
    await expect(client.get('k', { revision: 1n << 40n })).rejects.toMatchObject({
      name: 'ClientError',
      code: 'futureRev',
      retryable: false,
      mayHaveApplied: false,
    });
    await expect(client.put('', 'x')).rejects.toMatchObject({ code: 'emptyKey' });
    await expect(client.put('k', 'x', { lease: 404n })).rejects.toMatchObject({
      code: 'leaseNotFound',
    });
    await expect(client.put('k', 'x', { ignoreLease: true })).rejects.toMatchObject({
      code: 'keyNotFound',
    });
    const signal = AbortSignal.abort('enough');
    await expect(client.get('k', { signal })).rejects.toMatchObject({
      code: 'aborted',
      cause: 'enough',
    });
  });

  it('are compacted away', async () => {
    const first = await client.put('k', '1');
    const second = await client.put('k', '2');
    await client.rpc.kv.compact({ revision: second.revision, physical: true });
    await expect(client.get('k', { revision: first.revision })).rejects.toMatchObject({
      code: 'compacted',
    });
    const reading = client.getAll({ prefix: '' }, { revision: first.revision }).toArray();
    await expect(reading).rejects.toMatchObject({ code: 'compacted' });
  });
});

describeTargets('a namespace', (target) => {
  it('has keys of its own', async () => {
    const client = target().connect();
    const ours = client.namespace('ns/');
    const inner = ours.namespace('in/');
    await client.put('before', '0');
    await ours.put('a', '1');
    await inner.put('b', '2');
    await client.put('ns0', '3');
    expect(text((await ours.range({ prefix: '' })).entries)).toEqual(['a=1', 'in/b=2']);
    expect(text((await ours.range({ fromKey: 'b' })).entries)).toEqual(['in/b=2']);
    expect(text((await inner.range({ prefix: '' })).entries)).toEqual(['b=2']);
    expect((await client.get('ns/in/b'))?.string()).toBe('2');
    expect(await ours.get('before')).toBeUndefined();
    await ours.delete({ prefix: '' });
    expect(text((await client.range({ prefix: 'ns' })).entries)).toEqual(['ns0=3']);
  });
});
