import { describe, expect, it } from 'vitest';

import { keyBytesOf } from './key-text.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { RangeResult } from './range-query.ts';
import type { Store } from './store.ts';
import type { ModelQuery } from './testing/model.ts';
import { answerOf, openStore, put, toQuery, unpacked, write } from './testing/store-driver.ts';

/** Counts the scans of `keys` and the rows they gave. */
class CountingEngine extends MemoryEngine {
  scans = 0;
  rows = 0;

  override scan(...args: Parameters<MemoryEngine['scan']>) {
    const scan = super.scan(...args);
    if (args[0] !== 'keys') return scan;
    this.scans++;
    const { next } = scan;
    scan.next = (maxEntries) => {
      const page = next.call(scan, maxEntries);
      this.rows += page.length / 2;
      return page;
    };
    return scan;
  }
}

const all: ModelQuery = { key: 'k', rangeEnd: 'l' };

function name(i: number): string {
  return `k${String(i).padStart(4, '0')}`;
}

/** A store of 1,000 keys in blocks of 50, whose ranges are answered at once. */
function filled(): { engine: CountingEngine; store: Store } {
  const engine = new CountingEngine();
  const { store } = openStore(engine, {
    cacheBytes: 1 << 20,
    rangeBlocks: { keys: 50, minRangeKeys: 10 },
    now: () => 0,
  });
  write(store, (txn) => {
    for (let i = 0; i < 1000; i++) txn.put(keyBytesOf(name(i)), keyBytesOf('v'), 0n);
  });
  return { engine, store };
}

function read(store: Store, query: ModelQuery): RangeResult {
  const answer = store.packedRangeSoon(toQuery(query));
  if (answer instanceof Promise) throw new Error('it was to be answered at once');
  return unpacked(answer);
}

/** Rows that the engine gives for a query, which must be answered as it is without a cache. */
function rowsFor(engine: CountingEngine, store: Store, query: ModelQuery): number {
  const before = engine.rows;
  const answer = answerOf(() => read(store, query));
  const rows = engine.rows - before;
  expect(answer).toEqual(answerOf(() => store.range(toQuery(query))));
  return rows;
}

describe('a packed range', () => {
  it('is read from the engine once', () => {
    const { engine, store } = filled();
    expect(rowsFor(engine, store, all)).toBe(1000);
    const { scans } = engine;
    read(store, all);
    for (const [key, rangeEnd] of [
      [name(120), name(480)],
      [name(100), name(150)],
      ['k0100x', 'k0149x'],
      [name(7), name(9)],
      ['k', 'k0000'],
    ] as const) {
      read(store, { key, rangeEnd });
    }
    expect(engine.scans).toBe(scans);
    for (const limit of [1, 49, 50, 51, 999, 1000, 1001]) {
      expect(answerOf(() => read(store, { ...all, limit }))).toEqual(
        answerOf(() => store.range(toQuery({ ...all, limit }))),
      );
    }
  });

  it('is read anew where a key has changed, and nowhere else', () => {
    const { engine, store } = filled();
    read(store, all);
    put(store, name(500), 'other');
    put(store, `${name(700)}x`, 'new');
    write(store, (txn) => txn.deleteRange(keyBytesOf(name(900)), undefined));
    // Three blocks of 50, with what their first and second pages have beyond.
    expect(rowsFor(engine, store, all)).toBeLessThanOrEqual(3 * 64);
    expect(rowsFor(engine, store, all)).toBe(0);
  });

  it('leaves nothing in memory that small ranges have read', () => {
    const { engine, store } = filled();
    const small = { key: name(3), rangeEnd: name(12) };
    expect(rowsFor(engine, store, small)).toBe(9);
    expect(rowsFor(engine, store, small)).toBe(9);
  });

  it('has values that are not inline, which are not kept', () => {
    const { engine, store } = filled();
    put(store, name(130), 'a value that is not kept inline');
    read(store, all);
    const rows = rowsFor(engine, store, all);
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(64);
  });

  it('is asked for in another order, or of another time, as ever', () => {
    const { engine, store } = filled();
    put(store, name(500), 'other');
    read(store, all);
    const queries: Partial<ModelQuery>[] = [
      { revision: 2 },
      { sortOrder: 'descend' },
      { sortTarget: 'mod', sortOrder: 'ascend' },
      { keysOnly: true },
      { minModRevision: 3 },
      { countOnly: true },
    ];
    for (const query of queries) rowsFor(engine, store, { ...all, ...query });
  });
});
