import { SimDisk } from '@kvorum/wal/testing';
import { expect, it } from 'vitest';
import { MemoryEngines } from './memory-engines.ts';
import { SimMember, type SimStorage } from './testing/index.ts';

function newStorage(): SimStorage {
  return { disk: new SimDisk({ seed: 1 }), engines: new MemoryEngines() };
}

it('a start removes database files that were being sent when the member ended', async () => {
  const storage = newStorage();
  const { disk } = storage;
  const snapDir = '/sim/member/snap';
  disk.mkdir(snapDir);
  for (const name of ['stream-1.snap.tmp', 'kept.snap']) {
    disk.open(`${snapDir}/${name}`, { create: true }).close();
  }
  const member = await SimMember.start(storage, 1);
  expect(disk.list(snapDir)).toEqual(['kept.snap']);
  await member.core.close();
});
