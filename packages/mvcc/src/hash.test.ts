import { describe, expect, it } from 'vitest';

import { crc32c } from './crc32c.ts';
import { decodeKeyValue } from './key-value.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { Store } from './store.ts';
import { compact, del, openStore, put } from './testing/store-driver.ts';

describe('CRC-32C', () => {
  it.each([
    // The test vectors of RFC 3720 B.4.
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['counting up', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['counting down', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['nine digits', Buffer.from('123456789'), 0xe3069283],
  ])('of %s is as published', (_, bytes, expected) => {
    expect(crc32c(0, bytes)).toBe(expected);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(crc32c(crc32c(0, bytes.subarray(0, cut)), bytes.subarray(cut))).toBe(expected);
    }
  });
});

/** HashKV from its description: bucket name, then etcd's revision keys and values. */
function hashOf(rows: readonly [main: number, sub: number, wireHex: string][]): number {
  const parts = [Buffer.from('key')];
  for (const [main, sub, wireHex] of rows) {
    const wire = Buffer.from(wireHex, 'hex');
    const deleted = decodeKeyValue(wire).version === 0;
    const revision = Buffer.alloc(deleted ? 18 : 17);
    revision.writeBigUInt64BE(BigInt(main), 0);
    revision.write('_', 8);
    revision.writeBigUInt64BE(BigInt(sub), 9);
    if (deleted) revision.write('t', 17);
    parts.push(revision, wire);
  }
  return crc32c(0, Buffer.concat(parts));
}

const PUT_A = '0a016110021802' + '20012a0131';
const PUT_A_AGAIN = '0a016110021803' + '20022a0132';
const DELETE_A = '0a0161';
const PUT_B = '0a016210051805' + '20012a0133';

function filled(): ReturnType<typeof openStore> {
  const opened = openStore(new MemoryEngine());
  put(opened.store, 'a', '1');
  put(opened.store, 'a', '2');
  del(opened.store, 'a');
  put(opened.store, 'b', '3');
  return opened;
}

describe('HashKV', () => {
  it('covers the bytes that etcd covers', async () => {
    const { store, turns } = filled();
    expect(await turns.runUntil(store.hashKv(0))).toEqual({
      hash: hashOf([
        [2, 0, PUT_A],
        [3, 0, PUT_A_AGAIN],
        [4, 0, DELETE_A],
        [5, 0, PUT_B],
      ]),
      compactRevision: -1,
      hashRevision: 5,
    });
  });

  it('covers no more than the revisions up to the one asked for', async () => {
    const { store, turns } = filled();
    const { hash, hashRevision } = await turns.runUntil(store.hashKv(3));
    expect(hashRevision).toBe(3);
    expect(hash).toBe(
      hashOf([
        [2, 0, PUT_A],
        [3, 0, PUT_A_AGAIN],
      ]),
    );
  });

  const afterCompaction: [string, number, number, [number, number, string][]][] = [
    ['what compaction removed', 3, 3, [[3, 0, PUT_A_AGAIN]]],
    [
      'what was newest then but is not any more',
      3,
      5,
      [
        [4, 0, DELETE_A],
        [5, 0, PUT_B],
      ],
    ],
    [
      'nothing when no key is left',
      3,
      4,
      [
        [3, 0, PUT_A_AGAIN],
        [4, 0, DELETE_A],
      ],
    ],
    ['a tombstone exactly there', 4, 5, [[5, 0, PUT_B]]],
    ['nothing that is still the newest', 5, 5, [[5, 0, PUT_B]]],
  ];
  it.each(afterCompaction)('leaves out %s (compacted %i, hashed %i)', async (_, at, upTo, rows) => {
    const { store, turns } = filled();
    compact(store, at);
    const { hash, compactRevision } = await turns.runUntil(store.hashKv(upTo));
    expect(compactRevision).toBe(at);
    expect(hash).toBe(hashOf(rows));
  });

  it('refuses revisions that are compacted or do not exist', async () => {
    const { store, turns } = filled();
    compact(store, 4);
    await expect(turns.runUntil(store.hashKv(3))).rejects.toMatchObject({ code: 'compacted' });
    await expect(turns.runUntil(store.hashKv(6))).rejects.toMatchObject({ code: 'futureRevision' });
  });

  it('covers one moment while writes go on', async () => {
    const { store, turns } = filled();
    const expected = (await turns.runUntil(store.hashKv(0))).hash;
    const hashing = store.hashKv(0);
    put(store, 'a', 'later');
    compact(store, 6);
    expect((await turns.runUntil(hashing)).hash).toBe(expected);
  });
});

describe('the hash of everything', () => {
  async function hashAll(store: Store, turns: ReturnType<typeof openStore>['turns']) {
    return turns.runUntil(store.hash((name) => name === 'shared'));
  }

  it('is the same for the same content and differs for other', async () => {
    const one = filled();
    const two = filled();
    const before = await hashAll(one.store, one.turns);
    expect(await hashAll(two.store, two.turns)).toBe(before);
    put(two.store, 'c', '1');
    expect(await hashAll(two.store, two.turns)).not.toBe(before);
  });

  it('covers the named rows that are asked for and no others', async () => {
    const { store, turns } = filled();
    const before = await hashAll(store, turns);
    const batch = store.batch();
    batch.putMeta('own', Buffer.from('x'));
    batch.commit();
    expect(await hashAll(store, turns)).toBe(before);
    const second = store.batch();
    second.putMeta('shared', Buffer.from('x'));
    second.commit();
    expect(await hashAll(store, turns)).not.toBe(before);
  });
});
