import { describe, expect, it } from 'vitest';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { PeerNetwork } from '../framework/proxy.ts';
import { ClusterLoad } from './cluster-load.ts';

// Three members in processes of their own are killed, stopped and cut off from each other while eight clients write,
// read, watch and keep leases. Everything that the clients saw must fit in one order.

const seed = chooseSeed();
/** Half of them of the leader; KVORUM_CLUSTER_KILLS=50 is what a release must pass. */
const kills = Number(process.env.KVORUM_CLUSTER_KILLS ?? 4);
const otherFaults = Math.ceil(kills / 3);

/** Kills it without warning, and starts it again after a while. */
async function killAndRestart(
  load: ClusterLoad,
  member: ClusterMember,
  random: Prng,
): Promise<void> {
  await load.progress(random.between(20, 100));
  await member.kill();
  await load.progress(random.between(1, 100));
  await member.restart();
}

describe('three members in processes of their own', () => {
  const title = `keep every promise through ${kills} kills and ${3 * otherFaults} other faults (seed ${seed})`;
  it(title, { timeout: 900_000 }, async () => {
    const random = new Prng(seed);
    await using network = await PeerNetwork.open(3);
    await using cluster = await TestCluster.start({
      peerPortOf: network.portBefore,
      flags: ['--snapshot-count=200', '--kvorum-engine=rocksdb'],
      lifetimeMs: 900_000,
    });
    network.watch(() => cluster.members);
    await using load = new ClusterLoad(cluster, seed);
    for (let round = 0; round < kills; round++) {
      const member = round % 2 === 0 ? cluster.member(round % 3) : await cluster.leader();
      await killAndRestart(load, member, random);
      if (round % 3 !== 0) continue;
      const leader = await cluster.leader();
      leader.pause();
      await load.progress(100);
      leader.resume();
      const other = await cluster.leader();
      expect(network.isolate(other.index)).toBeGreaterThan(0);
      await load.progress(100);
      network.heal();
      const third = await cluster.leader();
      expect(network.isolate(third.index, random.pick(['in', 'out']))).toBeGreaterThan(0);
      await load.progress(100);
      network.heal();
      await load.progress(50);
    }
    const { violations, operations } = await load.finish();
    expect(violations).toEqual([]);
    expect(operations).toBeGreaterThan(kills * 100);
  });
});
