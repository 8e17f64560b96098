import { SimDisk } from '@kvorum/wal/testing';
import { describe, expect, it } from 'vitest';
import { MemoryEngines } from './memory-engines.ts';
import { SimMember, type SimStorage, unreached } from './testing/index.ts';

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

describe('a member that has applied nothing and is made a cluster of its own', () => {
  const founders = ['sim', 'b', 'c'];

  /** Starts it with --force-new-cluster, and again without: who is in its cluster, and who may not come back. */
  async function force(storage: SimStorage, others: readonly bigint[]) {
    const seen = [];
    for (const forceNewCluster of [true, false]) {
      const around = unreached(2, founders, { forceNewCluster });
      const member = await SimMember.open(storage, around);
      await member.start();
      const { cluster } = member.core;
      seen.push({
        members: cluster.members().map(({ peerUrls }) => peerUrls.join()),
        refused: others.filter((id) => cluster.isRemoved(id)).length,
      });
      await member.core.close();
    }
    return seen;
  }

  it('goes on from its log, and refuses those that the log tells of', async () => {
    const { disk, engines } = newStorage();
    const founder = await SimMember.open({ disk, engines }, unreached(1, founders));
    founder.start().catch(() => {});
    const members = () => founder.core.cluster.members();
    while (members().length < 3) await new Promise(setImmediate);
    const others = members().flatMap(({ id }) => (id === founder.core.memberId ? [] : [id]));
    await founder.core.close();
    // A power cut took what the store had not synced.
    const alone = { members: ['http://sim:2380'], refused: 2 };
    expect(await force({ disk, engines: new MemoryEngines() }, others)).toEqual([alone, alone]);
  });

  it('begins alone when its log is empty', async () => {
    const storage = newStorage();
    const { core } = await SimMember.open(storage, unreached(1, founders));
    await core.close();
    const alone = { members: ['http://sim:2380'], refused: 0 };
    expect(await force(storage, [])).toEqual([alone, alone]);
  });

  it('founds the cluster it was told of when it is new', async () => {
    const around = unreached(1, founders, { forceNewCluster: true });
    const { core } = await SimMember.open(newStorage(), around);
    core.start().catch(() => {});
    while (core.cluster.members().length < 3) await new Promise(setImmediate);
    await core.close();
  });
});
