import { describe, expect, it } from 'vitest';

import { COLUMNS, type Engine } from './engine.ts';
import { MvccError } from './errors.ts';
import { keyBytesOf } from './key-text.ts';
import { decodeKeyValue, type KeyValue } from './key-value.ts';
import { MemoryEngine } from './memory-engine.ts';
import { isTombstoneRow, readUint32, readUint64, wireOfRevsRow } from './revision-row.ts';
import type { Store } from './store.ts';
import { StoreImport } from './store-import.ts';
import { compact, openStore, write } from './testing/store-driver.ts';

/** Every row of every column, in hex. */
function dump(engine: Engine): Record<string, string[]> {
  const entries = COLUMNS.map((column) => {
    const scan = engine.scan(column);
    const rows: string[] = [];
    for (let page = scan.next(100); page.length > 0; page = scan.next(100)) {
      for (const bytes of page) rows.push(Buffer.from(bytes).toString('hex'));
    }
    scan.close();
    return [column, rows] as const;
  });
  return Object.fromEntries(entries);
}

/** Copies what a store has recorded, as one would copy it from a file. */
function imported(from: Store, inlineValueBytes = 1): MemoryEngine {
  const engine = new MemoryEngine();
  const target = new StoreImport(engine, inlineValueBytes);
  const scan = from.engine.scan('revs');
  for (let page = scan.next(7); page.length > 0; page = scan.next(7)) {
    for (let i = 0; i < page.length; i += 2) {
      const [key, row] = [page[i] ?? new Uint8Array(0), page[i + 1] ?? new Uint8Array(0)];
      target.add({
        main: readUint64(key, 0),
        sub: readUint32(key, 8),
        isTombstone: isTombstoneRow(row),
        kv: decodeKeyValue(wireOfRevsRow(row)),
      });
    }
  }
  scan.close();
  target.finish({
    scheduledRevision: from.compactRevision,
    finishedRevision: from.finishedCompactRevision,
  });
  return engine;
}

/** Transactions of all kinds on a few keys, so that most of them are overwritten and deleted. */
function history(store: Store, count: number): void {
  for (let i = 0; i < count; i++) {
    write(store, (txn) => {
      const key = keyBytesOf(`k${(i * 7) % 11}`);
      if (i % 5 === 4) txn.deleteRange(key, i % 2 === 0 ? keyBytesOf('k5') : undefined);
      else txn.put(key, keyBytesOf('v'.repeat((i * 13) % 60)), BigInt(i % 3));
      if (i % 4 === 0) txn.put(keyBytesOf(`other${i % 3}`), keyBytesOf(`${i}`), 0n);
    });
  }
}

const kv: KeyValue = {
  key: keyBytesOf('a'),
  createRevision: 2,
  modRevision: 5,
  version: 3,
  value: keyBytesOf('x'),
  lease: 0n,
};

describe('an import', () => {
  it('makes the rows that the store itself would have made', () => {
    const { store } = openStore(new MemoryEngine());
    history(store, 3_000);
    const engine = imported(store);
    expect(dump(engine)).toEqual(dump(store.engine));
    expect(openStore(engine).store.revision).toBe(store.revision);
  });

  it('of a compacted store reads, hashes and is compacted like it', async () => {
    const { store, turns } = openStore(new MemoryEngine());
    history(store, 60);
    compact(store, 30);
    await turns.runUntil(store.whenCompacted());
    history(store, 40);
    const copy = openStore(imported(store));
    expect(copy.store.compactRevision).toBe(30);
    const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
    const compare = async () => {
      for (let revision = store.compactRevision; revision <= store.revision; revision++) {
        const query = { ...all, revision };
        expect(copy.store.range(query)).toEqual(store.range(query));
        const hash = await turns.runUntil(store.hashKv(revision));
        expect(await copy.turns.runUntil(copy.store.hashKv(revision))).toEqual(hash);
      }
    };
    await compare();
    for (const each of [{ store, turns }, copy]) {
      compact(each.store, 70);
      await each.turns.runUntil(each.store.whenCompacted());
    }
    await compare();
    expect(dump(copy.store.engine).history).toEqual(dump(store.engine).history);
  });

  it('ends at the compaction when that is newer than all that is left', () => {
    const engine = new MemoryEngine();
    const target = new StoreImport(engine);
    target.add({ main: 5, sub: 0, isTombstone: false, kv });
    target.finish({ scheduledRevision: 40, finishedRevision: -1 });
    const { store } = openStore(engine);
    expect([store.revision, store.compactRevision]).toEqual([40, 40]);
    expect(write(store, (txn) => txn.put(kv.key, kv.value, 0n)).prev?.version).toBe(3);
    expect(store.revision).toBe(41);
    expect(openStore(engine).store.revision).toBe(41);
  });

  it.each([
    ['an older revision', { main: 4, sub: 1, isTombstone: true, kv }, 'comes after 5/0'],
    ['the same change again', { main: 5, sub: 0, isTombstone: true, kv }, 'comes after 5/0'],
    ['a revision of another', { main: 6, sub: 0, isTombstone: false, kv }, 'other numbers'],
    [
      'a key from the future',
      { main: 6, sub: 0, isTombstone: false, kv: { ...kv, modRevision: 6, createRevision: 7 } },
      'other numbers',
    ],
    [
      'a change without a key',
      { main: 6, sub: 0, isTombstone: true, kv: { ...kv, key: new Uint8Array(0) } },
      'has no key',
    ],
  ])('refuses %s', (_name, revision, text) => {
    const target = new StoreImport(new MemoryEngine());
    target.add({ main: 5, sub: 0, isTombstone: false, kv });
    expect(() => target.add(revision)).toThrow(MvccError);
    expect(() => target.add(revision)).toThrow(text);
  });
});
