import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { TestClient } from '../framework/client.ts';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import { chooseSeed } from '../framework/prng.ts';
import { ClusterLoad } from './cluster-load.ts';

// Members of a cluster are replaced by new ones, one after the other, while eight clients write, read, watch and keep
// leases: the old one is removed, a learner is added, and made a voter once it has caught up. Everything that the
// clients saw must fit in one order.

const seed = chooseSeed();
/** Every second one of the leader; KVORUM_CLUSTER_REPLACEMENTS=12 is what a release must pass. */
const replacements = Number(process.env.KVORUM_CLUSTER_REPLACEMENTS ?? 2);
/** Changes are refused until enough members have been connected for 5 s. */
const CHANGE_DEADLINE_MS = 30_000;

/** A member as the cluster lists it; undefined for one that isn't there. */
async function listed(client: TestClient, peerUrl: string) {
  const { members } = await client.cluster.memberList({ linearizable: true });
  return members.find(({ peerURLs }) => peerURLs.includes(peerUrl));
}

/** Asks for a change, again and again, until the list of members shows it. */
async function change(
  what: string,
  client: TestClient,
  isDone: () => Promise<boolean>,
  ask: (client: TestClient) => Promise<unknown>,
): Promise<void> {
  await eventually(
    what,
    async () => {
      if (await isDone()) return true;
      await ask(client);
      return isDone();
    },
    CHANGE_DEADLINE_MS,
  );
}

/** Takes a member out for good: dead and with its disk wiped, or still running. */
async function remove(client: TestClient, victim: ClusterMember, isDead: boolean): Promise<void> {
  const { name, peerUrl } = victim;
  const { ID = 0n } = (await listed(client, peerUrl)) ?? {};
  if (isDead) {
    await victim.kill();
    await rm(victim.dataDir, { recursive: true });
  }
  const isGone = async () => (await listed(client, peerUrl)) === undefined;
  await change(`${name} to be removed`, client, isGone, (at) => at.cluster.memberRemove({ ID }));
  // One that runs hears of it, and ends by itself.
  if (!isDead) expect(await victim.process.exited).toEqual({ code: 0, signal: null });
}

/** Adds a member as a learner, starts it, and makes it a voter once it has caught up. */
async function add(client: TestClient, place: ClusterMember, load: ClusterLoad): Promise<void> {
  const { name, peerUrl } = place;
  const isThere = async () => (await listed(client, peerUrl)) !== undefined;
  await change(`${name} to be added`, client, isThere, (at) =>
    at.cluster.memberAdd({ peerURLs: [peerUrl], isLearner: true }),
  );
  await place.restart(['--initial-cluster-state=existing']);
  await place.process.stderr.line(/applying a snapshot of the leader/);
  load.join(place);
  await load.progress(50);
  const { ID = 0n } = (await listed(client, peerUrl)) ?? {};
  const isVoter = async () => (await listed(client, peerUrl))?.isLearner === false;
  await change(`${name} to be promoted`, client, isVoter, (at) => at.cluster.memberPromote({ ID }));
}

describe('three members', () => {
  const title = `keep every promise while ${replacements} of them are replaced (seed ${seed})`;
  it(title, { timeout: 900_000 }, async () => {
    await using cluster = await TestCluster.start({
      // What a new member needs is no longer in the log of the others.
      flags: ['--snapshot-count=100', '--snapshot-catchup-entries=100', '--kvorum-engine=rocksdb'],
      lifetimeMs: 900_000,
    });
    await using load = new ClusterLoad(cluster, seed);
    for (let round = 0; round < replacements; round++) {
      await load.progress(300);
      const leader = await cluster.leader();
      const follower = cluster.members.find((member) => member !== leader) ?? leader;
      const victim = round % 2 === 0 ? follower : leader;
      const witness = cluster.members.find((member) => member !== victim && member !== follower);
      using client = (witness ?? follower).client();
      await remove(client, victim, round % 4 < 2);
      load.leave(victim);
      cluster.drop(victim);
      await load.progress(100);
      await add(client, await cluster.addPlace(), load);
    }
    await load.progress(300);
    const { violations, operations } = await load.finish();
    expect(violations).toEqual([]);
    expect(operations).toBeGreaterThan(replacements * 300);
  });
});
