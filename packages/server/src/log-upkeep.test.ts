import { PutRequestSchema, PutResponseSchema } from '@kvorum/api';
import { SimDisk } from '@kvorum/wal/testing';
import { expect, it } from 'vitest';
import { MemoryEngines } from './memory-engines.ts';
import { SimMember, type SimStorage } from './testing/index.ts';

const WAL_DIR = '/sim/member/wal';
const VALUE = Buffer.alloc(1024);

function segmentsOf({ disk }: SimStorage): string[] {
  return disk.list(WAL_DIR).filter((name) => name.endsWith('.wal'));
}

/** Fills ten segments; the names of those that are left, and the revision. */
async function fill(storage: SimStorage, settings: { maxWals: number; snapshotCount: number }) {
  const member = await SimMember.start(storage, 1, { ...settings, walSegmentBytes: 8 * 1024 });
  for (let i = 0; i < 80; i++) {
    const put = { key: Buffer.from(`key ${i}`), value: VALUE };
    await member.call('/etcdserverpb.KV/Put', PutRequestSchema, PutResponseSchema, put);
  }
  const { revision } = member.core.store;
  await member.core.close();
  return { left: segmentsOf(storage), revision };
}

it.each<[string, { maxWals: number; snapshotCount: number }, number, number]>([
  ['no more than --max-wals segments stay', { maxWals: 3, snapshotCount: 1 }, 3, 3],
  ['all segments stay without a limit', { maxWals: 0, snapshotCount: 1 }, 10, 12],
  ['segments stay until --snapshot-count', { maxWals: 1, snapshotCount: 1000 }, 10, 12],
])('%s', async (_what, settings, fewest, most) => {
  const storage = { disk: new SimDisk({ seed: 1 }), engines: new MemoryEngines() };
  const { left, revision } = await fill(storage, settings);
  expect(left.length).toBeGreaterThanOrEqual(fewest);
  expect(left.length).toBeLessThanOrEqual(most);
  // What is left is enough to go on from.
  const member = await SimMember.start(storage, 2, settings);
  expect(member.core.store.revision).toBe(revision);
  await member.core.close();
});
