import { describe, expect, it } from 'vitest';

import type { Engine } from './engine.ts';
import { MvccError } from './errors.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { Store } from './store.ts';
import { answerOf, compact, del, openStore, put, toQuery, write } from './testing/store-driver.ts';

function rows(engine: Engine, column: 'revs' | 'history' | 'keys'): number {
  return engine.scan(column, { keysOnly: true }).next(1_000_000).length / 2;
}

/** 50 versions of one key, then one each of ten keys. */
function filled(engine = new MemoryEngine({ crashable: true })): ReturnType<typeof openStore> {
  const opened = openStore(engine);
  for (let i = 0; i < 50; i++) put(opened.store, 'a', `v${i}`);
  for (let i = 0; i < 10; i++) put(opened.store, `k${i}`, 'v');
  return opened;
}

function valueAt(store: Store, key: string, revision: number): unknown {
  const answer = answerOf(() => store.range(toQuery({ key, revision })));
  return typeof answer === 'string' ? answer : answer.kvs[0]?.value;
}

describe('compaction', () => {
  it('hides older revisions at once and removes them on later turns', async () => {
    const { store, turns } = filled();
    compact(store, 41);
    expect(store.compactRevision).toBe(41);
    expect(valueAt(store, 'a', 40)).toBe('compacted');
    expect(valueAt(store, 'a', 41)).toBe('v39');
    expect(rows(store.engine, 'revs')).toBe(60);
    expect(store.finishedCompactRevision).toBe(-1);
    await turns.runUntil(store.whenCompacted());
    expect(store.finishedCompactRevision).toBe(41);
    expect(rows(store.engine, 'revs')).toBe(60 - 39);
    expect(rows(store.engine, 'history')).toBe(10);
    expect(valueAt(store, 'a', 41)).toBe('v39');
    expect(valueAt(store, 'a', 45)).toBe('v43');
    expect(valueAt(store, 'a', 0)).toBe('v49');
  });

  it('accepts revision 0 once, refuses what is compacted and what does not exist', () => {
    const { store } = openStore(new MemoryEngine());
    expect(() => compact(store, -1)).toThrow(expect.objectContaining({ code: 'compacted' }));
    compact(store, 0);
    expect(() => compact(store, 0)).toThrow(expect.objectContaining({ code: 'compacted' }));
    expect(() => compact(store, 2)).toThrow(expect.objectContaining({ code: 'futureRevision' }));
    compact(store, 1);
    expect(store.compactRevision).toBe(1);
  });

  it('keeps a tombstone exactly at the revision until the next compaction', async () => {
    const { store, turns } = openStore(new MemoryEngine());
    put(store, 'a', '1');
    del(store, 'a');
    put(store, 'b', '1');
    compact(store, 3);
    await turns.runUntil(store.whenCompacted());
    expect(rows(store.engine, 'revs')).toBe(2);
    expect(store.readEvents(3, 10, 1000).events.map((event) => event.deleted)).toEqual([
      true,
      false,
    ]);
    compact(store, 4);
    await turns.runUntil(store.whenCompacted());
    expect(rows(store.engine, 'revs')).toBe(1);
    expect(rows(store.engine, 'history')).toBe(0);
  });

  it('goes on after a crash at any point', async () => {
    for (let slices = 0; slices < 20; slices++) {
      const engine = new MemoryEngine({ crashable: true });
      const { store, turns } = filled(engine);
      compact(store, 45);
      for (let i = 0; i < slices; i++) turns.run();
      const crashed = engine.crashClone(0, engine.unsyncedBatches);
      const again = openStore(crashed);
      expect(again.store.compactRevision).toBe(45);
      expect(valueAt(again.store, 'a', 45)).toBe('v43');
      await again.turns.runUntil(again.store.whenCompacted());
      expect(rows(crashed, 'revs')).toBe(60 - 43);
      expect(valueAt(again.store, 'a', 45)).toBe('v43');
    }
  });

  it('does one after the other when asked again while it runs', async () => {
    const { store, turns } = filled();
    compact(store, 10);
    turns.run();
    compact(store, 30);
    compact(store, 51);
    await turns.runUntil(store.whenCompacted());
    expect(store.finishedCompactRevision).toBe(51);
    expect(rows(store.engine, 'revs')).toBe(11);
  });

  it('tells those who wait when the disk refuses, and goes on when asked again', async () => {
    const { store, turns } = filled();
    const batch = store.engine.batch.bind(store.engine);
    compact(store, 51);
    const waiting = store.whenCompacted();
    store.engine.batch = () => {
      throw new MvccError('engine', 'no space');
    };
    await expect(turns.runUntil(waiting)).rejects.toMatchObject({ code: 'engine' });
    store.engine.batch = batch;
    await turns.runUntil(store.whenCompacted());
    expect(rows(store.engine, 'revs')).toBe(11);
  });

  it('rejects those who wait when the store is closed', async () => {
    const { store, turns } = filled();
    compact(store, 51);
    const waiting = store.whenCompacted();
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'engine' }), store.close()]);
    await turns.drain();
  });

  it('removes what one transaction wrote over itself', async () => {
    const { store, turns } = openStore(new MemoryEngine());
    write(store, (txn) => {
      const a = Buffer.from('a');
      txn.put(a, Buffer.from('1'), 0n);
      txn.deleteRange(a, undefined);
      txn.put(a, Buffer.from('2'), 0n);
    });
    expect(rows(store.engine, 'revs')).toBe(3);
    compact(store, 2);
    await turns.runUntil(store.whenCompacted());
    // The tombstone is at the compacted revision, so it stays for now.
    expect(rows(store.engine, 'revs')).toBe(2);
    expect(valueAt(store, 'a', 2)).toBe('2');
  });
});
