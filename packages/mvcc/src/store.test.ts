import { describe, expect, it } from 'vitest';

import { keyBytesOf } from './key-text.ts';
import { decodeKeyValue } from './key-value.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { ModelQuery } from './testing/model.ts';
import { answerOf, compact, del, openStore, put, toQuery, write } from './testing/store-driver.ts';

function open(): ReturnType<typeof openStore> {
  return openStore(new MemoryEngine());
}

/** Keys a, b, c with versions 3, 2, 1, in revisions 2 to 7; values go against the order of keys. */
function versions321(): ReturnType<typeof openStore> {
  const opened = open();
  for (const [key, value] of ['a3', 'a3', 'a3', 'b2', 'b2', 'c1'].map((kv) => kv.split(''))) {
    put(opened.store, key ?? '', value ?? '');
  }
  return opened;
}

function keysOf(store: ReturnType<typeof open>['store'], query: Partial<ModelQuery>): string {
  const answer = answerOf(() => store.range(toQuery({ key: '\0', rangeEnd: '\0', ...query })));
  if (typeof answer === 'string') return answer;
  return `${answer.kvs.map((kv) => kv.key).join('')} ${answer.count}${answer.more ? ' more' : ''}`;
}

describe('the revision of the store', () => {
  it('is 1 when empty, and one more with each transaction that changes something', () => {
    const { store } = open();
    expect(store.revision).toBe(1);
    expect(put(store, 'a', '1')).toBe(2);
    expect(del(store, 'none')).toBe(0);
    expect(store.revision).toBe(2);
    write(store, () => {});
    expect(store.revision).toBe(2);
    // The same value again is a change all the same.
    expect(put(store, 'a', '1')).toBe(3);
  });

  it('is shared by all changes of a transaction, which a sub revision orders', () => {
    const { store } = open();
    const seen: string[] = [];
    store.onCommit((events) => {
      for (const event of events) seen.push(`${event.main}.${event.sub} ${event.keyText}`);
    });
    write(store, (txn) => {
      txn.put(keyBytesOf('b'), keyBytesOf('1'), 0n);
      txn.put(keyBytesOf('a'), keyBytesOf('1'), 0n);
      txn.deleteRange(keyBytesOf('\0'), keyBytesOf('\0'));
    });
    expect(seen).toEqual(['2.0 b', '2.1 a', '2.2 a', '2.3 b']);
  });
});

describe('a key', () => {
  it('starts over after it was deleted', () => {
    const { store } = open();
    put(store, 'a', '1');
    put(store, 'a', '2');
    expect(store.get('a')).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
    del(store, 'a');
    expect(store.get('a')).toBeUndefined();
    put(store, 'a', '3');
    expect(store.get('a')).toMatchObject({ createRevision: 5, modRevision: 5, version: 1 });
  });

  it('is attached to the lease of its last put, and to none once deleted', () => {
    const { store } = open();
    put(store, 'a', '1', 7n);
    put(store, 'b', '1', 7n);
    expect(store.leaseKeys(7n)).toEqual(['a', 'b']);
    put(store, 'a', '1', 8n);
    expect([store.leaseKeys(7n), store.leaseKeys(8n)]).toEqual([['b'], ['a']]);
    put(store, 'a', '1');
    del(store, 'b');
    expect([store.leaseKeys(7n), store.leaseKeys(8n)]).toEqual([[], []]);
  });

  it('keeps a value that is too large for the cache', () => {
    const { store } = open();
    const value = 'x'.repeat(100_000);
    put(store, 'a', value, 7n);
    const meta = store.get('a');
    expect(meta?.wire).toBeUndefined();
    expect(meta).toMatchObject({ lease: 7n, version: 1 });
    if (meta === undefined) throw new Error('unreachable');
    expect(store.wireOf(meta).length).toBe(meta.wireSize);
    expect(decodeKeyValue(store.wireOf(meta)).value.length).toBe(100_000);
    expect(keysOf(store, {})).toBe('a 1');
  });

  it('says "compacted" for a large value that was superseded and compacted since', async () => {
    const { store, turns } = open();
    put(store, 'a', 'x'.repeat(1000));
    const stale = store.get('a');
    if (stale === undefined) throw new Error('unreachable');
    put(store, 'a', 'y');
    compact(store, 3);
    await turns.runUntil(store.whenCompacted());
    expect(() => store.wireOf(stale)).toThrow(expect.objectContaining({ code: 'compacted' }));
  });
});

describe('a range', () => {
  const cases: [string, Partial<ModelQuery>, string][] = [
    ['returns all keys in order', {}, 'abc 3'],
    ['returns one key', { key: 'b', rangeEnd: '' }, 'b 1'],
    ['leaves out the end', { key: 'a', rangeEnd: 'c' }, 'ab 2'],
    ['is empty when the end is not above the key', { key: 'b', rangeEnd: 'b' }, ' 0'],
    ['goes on to the last key with a zero byte as end', { key: 'b' }, 'bc 2'],
    ['says more when the limit cuts', { limit: 2 }, 'ab 3 more'],
    ['does not say more when the limit fits', { limit: 3 }, 'abc 3'],
    ['takes a limit of zero or less for none', { limit: -1 }, 'abc 3'],
    ['counts without keys, and never says more', { countOnly: true, limit: 1 }, ' 3'],
    ['sorts backwards', { sortOrder: 'descend' }, 'cba 3'],
    ['cuts after sorting backwards', { sortOrder: 'descend', limit: 1 }, 'c 3 more'],
    ['sorts by version', { sortTarget: 'version', sortOrder: 'ascend' }, 'cba 3'],
    ['ascends when there is a target but no order', { sortTarget: 'version' }, 'cba 3'],
    [
      'cuts in key order, plus one, before it sorts by a target without an order',
      { sortTarget: 'version', limit: 1 },
      'b 3 more',
    ],
    [
      'cuts after sorting when both are given',
      { sortTarget: 'version', sortOrder: 'ascend', limit: 1 },
      'c 3 more',
    ],
    ['sorts by create revision', { sortTarget: 'create', sortOrder: 'descend' }, 'cba 3'],
    ['sorts by mod revision', { sortTarget: 'mod', sortOrder: 'descend' }, 'cba 3'],
    ['sorts by value', { sortTarget: 'value' }, 'cba 3'],
    ['filters by mod revision but counts all', { minModRevision: 6 }, 'bc 3'],
    ['filters by both ends', { minModRevision: 5, maxModRevision: 6 }, 'b 3'],
    ['filters by create revision', { maxCreateRevision: 2 }, 'a 3'],
    ['filters from a create revision on', { minCreateRevision: 5 }, 'bc 3'],
    ['filters before the limit cuts', { minModRevision: 6, limit: 1 }, 'b 3 more'],
    ['reads the past', { revision: 5 }, 'ab 2'],
    ['cuts in the past', { revision: 5, limit: 1 }, 'a 2 more'],
    ['sorts the past backwards', { revision: 6, sortOrder: 'descend', limit: 1 }, 'b 2 more'],
    ['reads the newest at a negative revision', { revision: -3 }, 'abc 3'],
    ['refuses the future', { revision: 8 }, 'futureRevision'],
    ['still answers at the compacted revision', { revision: 3 }, 'a 1'],
    ['refuses below the compacted revision', { revision: 2 }, 'compacted'],
  ];
  it.each(cases)('%s', (_, query, expected) => {
    const { store } = versions321();
    compact(store, 3);
    expect(keysOf(store, query)).toBe(expected);
  });

  it('leaves out value and lease of keysOnly, the lease only unless sorted by value', () => {
    const { store } = open();
    put(store, 'a', '1', 7n);
    for (const rangeEnd of [undefined, 'b']) {
      const query = { key: 'a', rangeEnd, keysOnly: true };
      expect(answerOf(() => store.range(toQuery(query)))).toMatchObject({
        kvs: [{ key: 'a', value: '', lease: 0n, main: 2, version: 1 }],
      });
      expect(answerOf(() => store.range(toQuery({ ...query, sortTarget: 'value' })))).toMatchObject(
        { kvs: [{ key: 'a', value: '', lease: 7n }] },
      );
    }
  });

  it('names the newest revision as its own, also when it read the past', () => {
    const { store } = versions321();
    expect(store.range(toQuery({ key: 'a', revision: 2 })).revision).toBe(7);
    expect(store.range(toQuery({ key: 'a', rangeEnd: 'b', revision: 2 })).revision).toBe(7);
  });
});

describe('a transaction', () => {
  it('sees what it did, and what those before it in the batch did', () => {
    const { store } = open();
    const batch = store.batch();
    const first = batch.begin();
    first.put(keyBytesOf('a'), keyBytesOf('1'), 0n);
    expect(first.end()).toBe(2);
    const second = batch.begin();
    expect(second.revision).toBe(2);
    expect(second.get('a')).toMatchObject({ modRevision: 2 });
    second.put(keyBytesOf('b'), keyBytesOf('1'), 0n);
    expect(second.revision).toBe(3);
    expect(second.range(toQuery({ key: 'a', rangeEnd: 'c' })).count).toBe(2);
    expect(second.range(toQuery({ key: 'a', rangeEnd: 'c', revision: 2 })).count).toBe(1);
    expect(second.range(toQuery({ key: 'a', rangeEnd: 'c', revision: 1 })).count).toBe(0);
    second.end();
    expect(store.get('a')).toBeUndefined();
    expect(store.revision).toBe(1);
    batch.commit();
    expect(store.revision).toBe(3);
    expect(store.get('b')).toMatchObject({ modRevision: 3 });
  });

  it('returns what a put replaced and what a delete removed', () => {
    const { store } = open();
    put(store, 'a', '1');
    write(store, (txn) => {
      expect(txn.put(keyBytesOf('b'), keyBytesOf('1'), 0n).prev).toBeUndefined();
      expect(txn.put(keyBytesOf('a'), keyBytesOf('2'), 0n).prev).toMatchObject({ modRevision: 2 });
      const gone = txn.deleteRange(keyBytesOf('a'), keyBytesOf('c'));
      expect(gone.map((meta) => meta.keyText)).toEqual(['a', 'b']);
      expect(txn.deleteRange(keyBytesOf('a'), keyBytesOf('c'))).toEqual([]);
    });
  });

  it('leaves nothing behind when its batch is abandoned', () => {
    const { store } = open();
    const batch = store.batch();
    const txn = batch.begin();
    txn.put(keyBytesOf('a'), keyBytesOf('1'), 7n);
    txn.end();
    batch.abandon();
    expect(store.revision).toBe(1);
    expect(store.get('a')).toBeUndefined();
    expect(store.leaseKeys(7n)).toEqual([]);
    expect(put(store, 'b', '1')).toBe(2);
  });

  it('comes one at a time, and so does a batch', () => {
    const { store } = open();
    const batch = store.batch();
    expect(() => store.batch()).toThrow('one batch');
    batch.begin();
    expect(() => batch.begin()).toThrow('one transaction');
    expect(() => batch.commit()).toThrow('no transaction');
  });
});

describe('named rows', () => {
  it('become visible with their batch, and inside it at once', () => {
    const { store } = open();
    const batch = store.batch();
    batch.putMeta('appliedIndex', Buffer.from('1'));
    expect(batch.getMeta('appliedIndex')).toEqual(Buffer.from('1'));
    expect(store.getMeta('appliedIndex')).toBeUndefined();
    batch.commit();
    expect(store.getMeta('appliedIndex')).toEqual(Buffer.from('1'));
    const second = store.batch();
    second.deleteMeta('appliedIndex');
    expect(second.getMeta('appliedIndex')).toBeUndefined();
    second.commit();
    expect(store.getMeta('appliedIndex')).toBeUndefined();
  });

  it('are not told to listeners', () => {
    const { store } = open();
    let calls = 0;
    store.onCommit(() => calls++);
    const batch = store.batch();
    batch.putMeta('appliedIndex', Buffer.from('1'));
    batch.commit();
    expect(calls).toBe(0);
  });
});

describe('events read back', () => {
  it('come as whole revisions, one at least, up to a limit', () => {
    const { store } = open();
    write(store, (txn) => {
      for (const key of ['a', 'b', 'c']) txn.put(keyBytesOf(key), keyBytesOf('1'), 0n);
    });
    put(store, 'a', '2');
    del(store, 'b');
    const page = (from: number, events: number, bytes = 1e6): [number, number] => {
      const { events: read, next } = store.readEvents(from, events, bytes);
      return [read.length, next];
    };
    expect(page(1, 1)).toEqual([3, 3]);
    expect(page(2, 3)).toEqual([3, 3]);
    expect(page(2, 4)).toEqual([4, 4]);
    expect(page(2, 100)).toEqual([5, 5]);
    expect(page(2, 100, 1)).toEqual([3, 3]);
    expect(page(5, 100)).toEqual([0, 5]);
    expect(page(9, 100)).toEqual([0, 9]);
  });

  it('are refused below the compacted revision and given from it on', () => {
    const { store } = versions321();
    compact(store, 4);
    expect(() => store.readEvents(3, 10, 1e6)).toThrow(
      expect.objectContaining({ code: 'compacted' }),
    );
    expect(store.readEvents(4, 10, 1e6).events.map((event) => event.main)).toEqual([4, 5, 6, 7]);
  });

  it('know what they replaced until that is compacted', () => {
    const { store } = versions321();
    const [, event] = store.readEvents(3, 10, 1e6).events;
    if (event === undefined) throw new Error('unreachable');
    expect(event.main).toBe(4);
    expect(decodeKeyValue(store.previousOf(event) ?? new Uint8Array(0)).modRevision).toBe(3);
    compact(store, 4);
    expect(store.previousOf(event)).toBeUndefined();
  });
});

describe('opening', () => {
  it('says "corrupt" when the newest row is not of the newest revision', () => {
    const engine = new MemoryEngine();
    put(openStore(engine).store, 'a', '1');
    const batch = engine.batch();
    batch.delete('meta', Buffer.from('currentRevision'));
    batch.write();
    expect(() => openStore(engine)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('leaves the store as it was when the disk refuses a commit', () => {
    const { store } = open();
    put(store, 'a', '1');
    const batch = store.batch();
    const txn = batch.begin();
    txn.put(keyBytesOf('a'), keyBytesOf('2'), 0n);
    txn.end();
    batch.writes.write = () => {
      throw new Error('no space');
    };
    expect(() => batch.commit()).toThrow('no space');
    expect(store.revision).toBe(2);
    expect(put(store, 'b', '1')).toBe(3);
    expect(keysOf(store, {})).toBe('ab 2');
  });
});

describe('the rows of a batch', () => {
  it('are those of the store with what the batch made of them, in order', () => {
    const { store } = open();
    const rowsUnder = (batch: ReturnType<typeof store.batch>, prefix: string) =>
      [...batch.rows('meta', keyBytesOf(prefix))].map((row) =>
        row.map((bytes) => Buffer.from(bytes).toString()).join('='),
      );
    const first = store.batch();
    for (const name of ['n/b', 'n/d', 'n/f', 'o/a']) first.putMeta(name, keyBytesOf('1'));
    expect(rowsUnder(first, 'n/')).toEqual(['n/b=1', 'n/d=1', 'n/f=1']);
    first.commit();
    const second = store.batch();
    for (const name of ['n/a', 'n/c', 'n/d', 'n/g', 'm/z']) second.putMeta(name, keyBytesOf('2'));
    second.deleteMeta('n/b');
    second.deleteMeta('n/nope');
    expect(rowsUnder(second, 'n/')).toEqual(['n/a=2', 'n/c=2', 'n/d=2', 'n/f=1', 'n/g=2']);
    second.deleteMeta('n/f');
    second.deleteMeta('n/g');
    expect(rowsUnder(second, 'n/')).toEqual(['n/a=2', 'n/c=2', 'n/d=2']);
    second.abandon();
    expect(rowsUnder(store.batch(), 'n/')).toEqual(['n/b=1', 'n/d=1', 'n/f=1']);
  });
});
