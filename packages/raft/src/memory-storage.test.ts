import { describe, expect, it } from 'vitest';
import { MemoryStorage } from './memory-storage.ts';
import { type Entry, emptyConfState, entryOverheadBytes, noBytes } from './types.ts';

const entry = (term: number, index: number): Entry => ({
  term,
  index,
  type: 'normal',
  data: noBytes,
});
const terms = (storage: MemoryStorage): number[] =>
  storage
    .entries(storage.firstIndex(), storage.lastIndex() + 1, Number.POSITIVE_INFINITY)
    .map((e) => e.term);

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append([1, 2, 3, 4, 5].map((index) => entry(1, index)));
  return storage;
}

describe('storage in memory', () => {
  it('replaces the tail from the first appended entry on', () => {
    const storage = filled();
    storage.append([entry(2, 3), entry(2, 4)]);
    expect(terms(storage)).toEqual([1, 1, 2, 2]);
  });

  it('limits a range by bytes but returns at least one entry', () => {
    const storage = filled();
    expect(storage.entries(1, 6, 0)).toHaveLength(1);
    expect(storage.entries(1, 6, 3 * entryOverheadBytes)).toHaveLength(3);
    expect(storage.entries(2, 4, Number.POSITIVE_INFINITY).map((e) => e.index)).toEqual([2, 3]);
  });

  it('keeps the term before its first entry after a compaction', () => {
    const storage = filled();
    storage.createSnapshot(4, emptyConfState, noBytes);
    storage.compact(3);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(3)]).toEqual([4, 5, 1]);
    expect(() => storage.term(2)).toThrow(expect.objectContaining({ code: 'compacted' }));
    expect(() => storage.entries(3, 5, 0)).toThrow(expect.objectContaining({ code: 'compacted' }));
    expect(() => storage.entries(5, 7, 0)).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
    expect(() => storage.compact(5)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(() => storage.createSnapshot(4, emptyConfState, noBytes)).toThrow(
      expect.objectContaining({ code: 'snapshotOutOfDate' }),
    );
  });

  it('skips appended entries that are compacted', () => {
    const storage = filled();
    storage.createSnapshot(4, emptyConfState, noBytes);
    storage.compact(4);
    storage.append([entry(1, 3), entry(1, 4), entry(1, 5), entry(1, 6)]);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([5, 6]);
  });

  it('begins anew after a received snapshot', () => {
    const storage = filled();
    const confState = { ...emptyConfState, voters: [7n] };
    storage.applySnapshot({ metadata: { confState, index: 9, term: 3 }, data: noBytes });
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(9)]).toEqual([10, 9, 3]);
    expect(storage.initialState().confState).toBe(confState);
  });
});
