import { describe, expect, it } from 'vitest';
import { TestCluster } from '../framework/cluster.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { PeerNetwork } from '../framework/proxy.ts';
import { ClusterLoad } from './cluster-load.ts';
import * as trouble from './cluster-trouble.ts';

// Three members in processes of their own are killed, stopped and cut off from each other while eight clients write,
// read, watch and keep leases. Everything that the clients saw must fit in one order.

const seed = chooseSeed();
/** How often a process is killed; other troubles come in between. */
const kills = Number(process.env.KVORUM_CLUSTER_KILLS ?? 50);

/** What happens, in turn, with the processes that are killed each time. */
const troubles: readonly (readonly [kills: number, trouble: trouble.Trouble])[] = [
  [1, trouble.killOfLeader],
  [0, trouble.pauseOfLeader],
  [1, trouble.killOfOne(0)],
  [2, trouble.killInRecovery],
  [0, trouble.cutOfLeader('both')],
  [1, trouble.killOfLeader],
  [3, trouble.killOfAll],
  [0, trouble.pauseOfFollower],
  [1, trouble.killOfOne(1)],
  [2, trouble.killOfTwo],
  [0, trouble.cutOfLeader('in')],
  [1, trouble.killOfLeader],
  [2, trouble.killInRecovery],
  [0, trouble.pauseOfTwo],
  [1, trouble.killOfOne(2)],
  [3, trouble.killOfAll],
  [0, trouble.cutOfLeader('out')],
];

describe('three members in processes of their own', () => {
  it(`keep every promise through ${kills} kills (seed ${seed})`, { timeout: 900_000 }, async () => {
    await using network = await PeerNetwork.open(3);
    await using cluster = await TestCluster.start({
      peerPortOf: network.portBefore,
      flags: ['--snapshot-count=200', '--kvorum-engine=rocksdb'],
      lifetimeMs: 900_000,
    });
    network.watch(() => cluster.members);
    await using load = new ClusterLoad(cluster, seed);
    const world = { cluster, network, load, random: new Prng(seed) };
    let killed = 0;
    for (let round = 0; killed < kills; round++) {
      const [count, happen] = troubles[round % troubles.length] as (typeof troubles)[number];
      await happen(world);
      killed += count;
    }
    const { violations, operations } = await load.finish();
    expect(violations).toEqual([]);
    expect(operations).toBeGreaterThan(kills * 50);
  });
});
