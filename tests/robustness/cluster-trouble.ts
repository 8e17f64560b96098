import type { ClusterMember, TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import type { Prng } from '../framework/prng.ts';
import type { PeerNetwork } from '../framework/proxy.ts';
import type { ClusterLoad } from './cluster-load.ts';

/** What there is to make trouble with. */
export interface TroubledCluster {
  readonly cluster: TestCluster;
  readonly network: PeerNetwork;
  readonly load: ClusterLoad;
  readonly random: Prng;
}

/** Something that happens to a cluster under load; when it resolves, all members run and reach each other again. */
export type Trouble = (on: TroubledCluster) => Promise<void>;

/** Ends one member without warning, and starts it again when the others have gone on for a while. */
async function killAndRestart(on: TroubledCluster, member: ClusterMember): Promise<void> {
  const { load, random } = on;
  await load.progress(random.between(10, 60));
  await member.kill();
  await load.progress(random.between(1, 60));
  await member.restart();
}

/** Each member in turn. */
export const killOfOne =
  (index: number): Trouble =>
  (on) =>
    killAndRestart(on, on.cluster.member(index));

export const killOfLeader: Trouble = async (on) => {
  await killAndRestart(on, await on.cluster.leader());
};

/** And again while it reads what it has on disk. */
export const killInRecovery: Trouble = async ({ cluster, load, random }) => {
  const member = random.pick(cluster.members as [ClusterMember, ...ClusterMember[]]);
  await load.progress(random.between(10, 60));
  await member.kill();
  await load.progress(random.between(1, 60));
  await member.spawn();
  await member.process.stderr.line(/opened storage/);
  await member.kill();
  await member.restart();
};

/** The leader and a follower at once: nothing is written until one of them is back. */
export const killOfTwo: Trouble = async ({ cluster, load, random }) => {
  await load.progress(random.between(10, 60));
  const leader = await cluster.leader();
  const two = [leader, cluster.member((leader.index + random.between(1, 3)) % 3)];
  await Promise.all(two.map((member) => member.kill()));
  await Promise.all(two.map((member) => member.restart()));
};

export const killOfAll: Trouble = async ({ cluster, load, random }) => {
  await load.progress(random.between(10, 60));
  await Promise.all(cluster.members.map((member) => member.kill()));
  await Promise.all(cluster.members.map((member) => member.restart()));
};

/** Holds members still until the others have gone on. */
async function pause(on: TroubledCluster, members: readonly ClusterMember[]): Promise<void> {
  for (const member of members) member.pause();
  await on.load.progress(60);
  for (const member of members) member.resume();
}

export const pauseOfLeader: Trouble = async (on) => {
  await pause(on, [await on.cluster.leader()]);
};

export const pauseOfFollower: Trouble = async (on) => {
  const leader = await on.cluster.leader();
  await pause(on, [on.cluster.member((leader.index + 1) % 3)]);
};

/** Two are held still until the third has noticed that there is no leader any more. */
export const pauseOfTwo: Trouble = async ({ cluster, load, random }) => {
  const awake = random.below(3);
  const still = cluster.members.filter(({ index }) => index !== awake);
  for (const member of still) member.pause();
  await eventually('a member alone to have no leader', async () => {
    return (await cluster.member(awake).metric('etcd_server_has_leader')) === 0;
  });
  for (const member of still) member.resume();
  await load.progress(20);
};

/** Members have a connection for what keeps a cluster alive, and one for entries, to each other one. */
const CONNECTIONS = 4;

/** Lets nothing through to the leader or from it, or only one of that, until the others have gone on. */
export const cutOfLeader =
  (direction: 'in' | 'out' | 'both'): Trouble =>
  async ({ cluster, network, load }) => {
    const { index } = await cluster.leader();
    await eventually('the leader to be connected with all', () => {
      const opened = network.connections(index, 'out');
      const accepted = network.connections(index, 'in');
      if (opened >= CONNECTIONS && accepted >= CONNECTIONS) return true;
      throw new Error(`it has opened ${opened} connections, and accepted ${accepted}`);
    });
    network.isolate(index, direction);
    await load.progress(60);
    network.heal();
    await load.progress(20);
  };
