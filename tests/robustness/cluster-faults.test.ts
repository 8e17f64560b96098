import { setTimeout as pause } from 'node:timers/promises';
import { checkHistory, History, Workload } from '@kvorum/server/testing';
import { Prng as SimPrng } from '@kvorum/wal/testing';
import { describe, expect, it } from 'vitest';
import { type ClusterMember, TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import { chooseSeed, Prng } from '../framework/prng.ts';
import { PeerNetwork } from '../framework/proxy.ts';
import { ClusterClient, ClusterLeaseHolder } from './cluster-client.ts';
import { ClusterWatch } from './cluster-watch.ts';

// Three members in processes of their own are killed, stopped and cut off from each other while eight clients write,
// read, watch and keep leases. Everything that the clients saw must fit in one order.

const seed = chooseSeed();
/** Half of them of the leader; KVORUM_CLUSTER_KILLS=50 is what a release must pass. */
const kills = Number(process.env.KVORUM_CLUSTER_KILLS ?? 4);
const otherFaults = Math.ceil(kills / 3);
const clientCount = 8;

/** A cluster under load, with all that is written down about it. */
class Load implements AsyncDisposable {
  readonly history = new History();
  readonly cluster: TestCluster;
  readonly clients: readonly ClusterClient[];
  readonly watches: readonly ClusterWatch[];
  readonly #holder: ClusterLeaseHolder;
  readonly #testClients;
  readonly #running: Promise<void>[];

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    const testClients = cluster.members.map((member) => member.client());
    const world = {
      history: this.history,
      workload: new Workload(new SimPrng(seed)),
      clients: testClients,
      nowMs: () => performance.now(),
    };
    this.#testClients = testClients;
    this.clients = Array.from({ length: clientCount }, (_, id) => {
      return new ClusterClient(id, world, new Prng(seed + id), pause);
    });
    this.watches = [
      { key: '\0', rangeEnd: '\0' },
      { key: '\0', rangeEnd: '\0' },
      { key: 'b', rangeEnd: 'e' },
    ].map((range, id) => {
      return new ClusterWatch(
        id,
        this.history,
        testClients,
        range,
        new Prng(seed + 50 + id),
        pause,
      );
    });
    this.#holder = new ClusterLeaseHolder(world, new Prng(seed + 99), pause);
    this.#running = [...this.clients, ...this.watches, this.#holder].map((one) => one.run());
  }

  get answered(): number {
    return this.clients.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Resolves when so many more calls were answered. */
  async progress(count: number): Promise<void> {
    const goal = this.answered + count;
    await eventually(`${count} more answers`, () => this.answered >= goal, 30_000);
  }

  /** Lets clients finish, and watches hear of everything; then members must agree. */
  async finish(): Promise<void> {
    for (const client of this.clients) client.stop();
    this.#holder.stop();
    const hashes = await this.#hashes();
    expect(new Set(hashes).size, hashes.join(', ')).toBe(1);
    const { header } = await this.cluster
      .member(0)
      .client()
      .kv.range({ key: Buffer.from('a') });
    const everything = this.watches.slice(0, 2);
    await eventually('watches to catch up', () =>
      everything.every(({ next }) => next > Number(header?.revision)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.stop();
    this.#holder.stop();
    await Promise.all(this.watches.map((watch) => watch.stop()));
    for (const client of this.#testClients) client[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  /** Of all members at one revision, once leases have stopped to expire. */
  async #hashes(): Promise<string[]> {
    return await eventually(
      'members to be at one revision',
      async () => {
        const clients = this.#testClients;
        const found = await Promise.all(clients.map((one) => one.maintenance.hashKV({})));
        const revisions = new Set(found.map(({ hashRevision }) => hashRevision));
        return (
          revisions.size === 1 &&
          found.map(({ hash, compactRevision }) => `${hash} ${compactRevision}`)
        );
      },
      30_000,
    );
  }
}

/** Kills it without warning, and starts it again after a while. */
async function killAndRestart(load: Load, member: ClusterMember, random: Prng): Promise<void> {
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
    await using load = new Load(cluster);
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
    await load.finish();
    const report = checkHistory(load.history);
    const { operations, unanswered, revisions, watchEvents } = report;
    console.log(
      `${operations} calls, ${unanswered} without an answer, ${revisions} revisions, ${watchEvents} watch events, seed ${seed}`,
    );
    expect(report.violations).toEqual([]);
    expect(operations).toBeGreaterThan(kills * 100);
  });
});
