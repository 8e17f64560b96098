import { type Client, compare, op } from '@kvorum/client';
import { beforeEach, expect, it } from 'vitest';
import { describeTargets } from './targets.ts';

let spaces = 0;

describeTargets('a transaction', (target) => {
  let client: Client;
  beforeEach(() => {
    client = target().connect().namespace(`txn-${spaces++}/`);
  });

  it('takes one branch or the other', async () => {
    const take = client
      .txn()
      .if(compare.missing('lock'))
      .then(op.put('lock', 'me'), op.get('lock'))
      .else(op.get('lock'));
    const first = await take.commit();
    if (!first.succeeded) throw new Error('it did not succeed');
    const [put, got] = first.results;
    expect(put.revision).toBe(first.revision);
    expect(got?.string()).toBe('me');
    const second = await take.commit();
    if (second.succeeded) throw new Error('it succeeded again');
    expect(second.results[0]?.keyString()).toBe('lock');
    expect(second.results[0]?.modRevision).toBe(first.revision);
  });

  it('compares all there is to compare', async () => {
    const lease = await client.lease(60);
    const { revision } = await client.put('k', 'm', { lease });
    const holding = [
      compare.value('k', '=', 'm'),
      compare.value('k', '>', 'l'),
      compare.value('k', '<', 'n'),
      compare.value('k', '!=', 'x'),
      compare.version('k', '=', 1n),
      compare.modRevision('k', '=', revision),
      compare.createRevision('k', '<', revision + 1n),
      compare.lease('k', '=', lease),
      compare.exists('k'),
      compare.missing('other'),
      compare.version({ prefix: '' }, '>', 0n),
    ];
    expect(
      (
        await client
          .txn()
          .if(...holding)
          .commit()
      ).succeeded,
    ).toBe(true);
    for (const broken of [
      compare.value('k', '=', 'x'),
      compare.version('k', '>', 1n),
      compare.modRevision('k', '<', revision),
      compare.lease('k', '!=', lease),
      compare.missing('k'),
      compare.exists('other'),
      compare.value('other', '!=', 'x'),
    ]) {
      expect(
        (
          await client
            .txn()
            .if(...holding, broken)
            .commit()
        ).succeeded,
      ).toBe(false);
    }
    await lease.revoke();
  });

  it('holds transactions', async () => {
    await client.put('a', '1');
    const inner = op
      .txn()
      .if(compare.value('a', '=', '2'))
      .then(op.put('b', 'two'))
      .else(op.put('b', 'other'), op.range({ prefix: '' }));
    const result = await client.txn().if(compare.exists('a')).then(inner, op.delete('a')).commit();
    if (!result.succeeded) throw new Error('it did not succeed');
    const [nested, deleted] = result.results;
    if (nested.succeeded) throw new Error('the inner one took the other branch');
    const [, range] = nested.results;
    expect(range.entries.map((entry) => entry.keyString())).toEqual(['a', 'b']);
    expect(range.revision).toBe(result.revision);
    expect(deleted.deleted).toBe(1);
    expect((await client.get('b'))?.string()).toBe('other');
    expect(await client.get('a')).toBeUndefined();
  });

  it('reads and writes at one moment', async () => {
    const { revision } = await client.put('a', '1');
    const result = await client
      .txn()
      .then(
        op.range({ prefix: '' }, { limit: 1, keysOnly: true }),
        op.put('a', '2', { previous: true }),
        op.get('a'),
        op.get('a', { revision }),
      )
      .commit();
    if (!result.succeeded) throw new Error('it did not succeed');
    const [before, put, after, old] = result.results;
    expect(before.entries[0]?.value).toHaveLength(0);
    expect(put.previous?.string()).toBe('1');
    expect(after?.string()).toBe('2');
    expect(old?.string()).toBe('1');
  });

  it('is refused with a code to switch on', async () => {
    const twice = client.txn().then(op.put('a', '1'), op.put('a', '2'));
    await expect(twice.commit()).rejects.toMatchObject({ code: 'duplicateKey' });
    const many = Array.from({ length: 200 }, (_, at) => op.put(`k${at}`, ''));
    await expect(
      client
        .txn()
        .then(...many)
        .commit(),
    ).rejects.toMatchObject({ code: 'tooManyOps' });
    expect(await client.count({ prefix: '' })).toBe(0);
  });

  it('that is awaited without having been committed says so', async () => {
    const forgotten = client.txn().then(op.put('a', '1')) as unknown as Promise<unknown>;
    await expect(async () => await forgotten).rejects.toThrow(/commit\(\) sends it/);
  });
});
