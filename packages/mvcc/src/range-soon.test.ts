import { describe, expect, it } from 'vitest';

import { keyBytesOf } from './key-text.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { PackedRangeResult, RangeResult } from './range-query.ts';
import type { Store } from './store.ts';
import type { ModelQuery } from './testing/model.ts';
import { answerOf, compact, openStore, toQuery, unpacked, write } from './testing/store-driver.ts';

const KEYS = 5000;

type Readable = RangeResult | PackedRangeResult | Promise<RangeResult | PackedRangeResult>;

function keyText(i: number): string {
  return `k${String(i).padStart(5, '0')}`;
}

/** A store with many keys, some of them with values that are not inline. */
function filled(): ReturnType<typeof openStore> {
  const opened = openStore(new MemoryEngine());
  write(opened.store, (txn) => {
    for (let i = 0; i < KEYS; i++) {
      const value = i % 10 === 0 ? 'a value that is not kept inline' : 'v';
      txn.put(keyBytesOf(keyText(i)), keyBytesOf(value), 0n);
    }
  });
  write(opened.store, (txn) => {
    for (let i = 0; i < KEYS; i += 3) txn.put(keyBytesOf(keyText(i)), keyBytesOf('new'), 0n);
  });
  write(opened.store, (txn) => txn.deleteRange(keyBytesOf('k01000'), keyBytesOf('k01100')));
  return opened;
}

/** Changes everything a range could have to do with, and compacts what is old. */
function disturb(store: Store, round: number): void {
  write(store, (txn) => {
    for (let i = round; i < KEYS; i += 7) txn.put(keyBytesOf(keyText(i)), keyBytesOf('x'), 0n);
    txn.deleteRange(keyBytesOf(keyText(round * 10)), keyBytesOf(keyText(round * 10 + 50)));
    txn.put(keyBytesOf(`new${round}`), keyBytesOf('x'), 0n);
  });
  compact(store, store.revision);
}

const queries: [string, Partial<ModelQuery>][] = [
  ['everything', {}],
  ['a range with an end', { key: 'k00500', rangeEnd: 'k04000' }],
  ['everything backwards', { sortOrder: 'descend' }],
  ['the count', { countOnly: true }],
  ['a page', { limit: 2000 }],
  ['a page backwards', { limit: 2000, sortOrder: 'descend' }],
  ['the past', { revision: 3 }],
  ['the count of the past', { revision: 2, countOnly: true }],
  ['a page of the past', { revision: 2, limit: 2000 }],
  ['all by value', { sortTarget: 'value', limit: 100, sortOrder: 'ascend' }],
];

/** Reads while everything changes, until the answer is there. */
async function readDisturbed(
  { store, turns }: ReturnType<typeof openStore>,
  soon: Readable,
): Promise<RangeResult> {
  expect(soon).toBeInstanceOf(Promise);
  let answer: RangeResult | undefined;
  const later = Promise.resolve(soon).then((result) => {
    answer = unpacked(result);
  });
  let rounds = 0;
  while (answer === undefined) {
    if (rounds < 3) disturb(store, ++rounds);
    turns.run();
    await null;
  }
  await later;
  expect(rounds).toBeGreaterThan(0);
  return answer;
}

describe('a range in slices', () => {
  it.each(queries)('answers as if at once, whatever happens meanwhile: %s', async (_, partial) => {
    const query = toQuery({ key: '\0', rangeEnd: '\0', ...partial });
    const expected = answerOf(() => filled().store.range(query));
    const plain = filled();
    const result = await readDisturbed(plain, plain.store.rangeSoon(query));
    expect(answerOf(() => result)).toEqual(expected);
    const packed = filled();
    const packedResult = await readDisturbed(packed, packed.store.packedRangeSoon(query));
    expect(answerOf(() => packedResult)).toEqual(expected);
    // What it has left behind for the next one is of the moment of the next one.
    const next = { ...query, revision: 0 };
    const { store, turns } = packed;
    const again = await turns.runUntil(Promise.resolve(store.packedRangeSoon(next)));
    expect(answerOf(() => unpacked(again))).toEqual(answerOf(() => store.range(next)));
  });

  it('answers at once what is small, and refuses at once', () => {
    const { store } = filled();
    const query = toQuery({ key: 'k00001', rangeEnd: 'k00005' });
    expect(store.rangeSoon(query)).toMatchObject({ count: 4 });
    expect(() => store.rangeSoon({ ...query, revision: 99 })).toThrow(
      expect.objectContaining({ code: 'futureRevision' }),
    );
  });

  it('rejects when the store is closed before it is done', async () => {
    const { store, turns } = filled();
    const later = store.rangeAsync(toQuery({ key: '\0', rangeEnd: '\0' }));
    await store.close();
    await expect(turns.runUntil(later)).rejects.toMatchObject({ code: 'engine' });
  });

  it('rejects when it is asked for a promise of what is refused', async () => {
    const { store } = filled();
    const query = toQuery({ key: 'a', rangeEnd: 'b', revision: 99 });
    await expect(store.rangeAsync(query)).rejects.toMatchObject({ code: 'futureRevision' });
  });
});
