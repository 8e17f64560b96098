import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keyBytesOf } from './key-text.ts';
import { MemoryEngine } from './memory-engine.ts';
import { compact, openStore, put } from './testing/store-driver.ts';

describe('a crash of the store', () => {
  it('leaves a prefix of the batches, each with its keys, lease rows and named rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ puts: fc.nat(3), sync: fc.boolean() }), { maxLength: 12 }),
        fc.nat(),
        (batches, seed) => {
          const engine = new MemoryEngine({ crashable: true });
          const { store } = openStore(engine);
          // Revision of the store after each batch; before the first it is 1.
          const revisions = [1];
          let synced = 0;
          for (const [i, { puts, sync }] of batches.entries()) {
            const batch = store.batch();
            for (let n = 0; n < puts; n++) {
              const txn = batch.begin();
              txn.put(keyBytesOf(`k${i}.${n}`), keyBytesOf('v'), 7n);
              txn.end();
            }
            batch.putMeta('appliedIndex', Buffer.from(String(i + 1)));
            batch.commit({ sync });
            revisions.push(store.revision);
            if (sync) synced = i + 1;
          }
          const { store: after } = openStore(engine.crashClone(seed));
          const applied = Number(Buffer.from(after.getMeta('appliedIndex') ?? []).toString());
          expect(applied).toBeGreaterThanOrEqual(synced);
          expect(after.revision).toBe(revisions[applied]);
          const keys = batches
            .slice(0, applied)
            .flatMap(({ puts }, i) => Array.from({ length: puts }, (_, n) => `k${i}.${n}`));
          expect(after.leaseKeys(7n)).toEqual(keys.sort());
          for (const keyText of keys) expect(after.get(keyText)).toBeDefined();
          expect(after.range({ key: Buffer.from('\0'), rangeEnd: new Uint8Array(1) }).count).toBe(
            keys.length,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('in the middle of a compaction never loses what is visible', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const engine = new MemoryEngine({ crashable: true });
      const { store, turns } = openStore(engine);
      for (let i = 0; i < 20; i++) put(store, `k${i % 3}`, `v${i}`);
      engine.sync();
      compact(store, 15);
      await turns.drain();
      const { store: after, turns: laterTurns } = openStore(engine.crashClone(seed));
      await laterTurns.drain();
      for (let revision = 15; revision <= 21; revision++) {
        for (const key of ['k0', 'k1', 'k2']) {
          const query = { key: keyBytesOf(key), revision };
          expect(after.range(query).kvs).toEqual(store.range(query).kvs);
        }
      }
    }
  });
});
