import { setTimeout as pause } from 'node:timers/promises';
import { checkHistory, History, type HistoryReport, Workload } from '@kvorum/server/testing';
import { Prng as SimPrng } from '@kvorum/wal/testing';
import { expect } from 'vitest';
import type { TestClient } from '../framework/client.ts';
import type { ClusterMember, TestCluster } from '../framework/cluster.ts';
import { eventually } from '../framework/eventually.ts';
import { Prng } from '../framework/prng.ts';
import { ClusterClient, ClusterLeaseHolder } from './cluster-client.ts';
import { ClusterWatch } from './cluster-watch.ts';

const CLIENT_COUNT = 8;

/** Of three watches: two of all keys, one of some. */
const watched = [
  { key: '\0', rangeEnd: '\0' },
  { key: '\0', rangeEnd: '\0' },
  { key: 'b', rangeEnd: 'e' },
];

/**
 * Eight clients that write, read, watch and keep leases at all members of a cluster, with all that they saw written
 * down.
 */
export class ClusterLoad implements AsyncDisposable {
  readonly #history = new History();
  readonly #clients: readonly ClusterClient[];
  readonly #watches: readonly ClusterWatch[];
  readonly #holder: ClusterLeaseHolder;
  readonly #running: Promise<void>[];
  /** Where calls go: what is put in or taken out counts from the next call on. */
  readonly #targets: { readonly member: ClusterMember; readonly client: TestClient }[];

  constructor(cluster: TestCluster, seed: number) {
    this.#targets = cluster.members.map((member) => ({ member, client: member.client() }));
    const world = {
      history: this.#history,
      workload: new Workload(new SimPrng(seed)),
      clients: () => this.#targets.map(({ client }) => client),
      nowMs: () => performance.now(),
      pause,
    };
    this.#clients = Array.from({ length: CLIENT_COUNT }, (_, id) => {
      return new ClusterClient(id, world, new Prng(seed + id));
    });
    this.#watches = watched.map((range, id) => {
      return new ClusterWatch(id, world, range, new Prng(seed + 50 + id));
    });
    this.#holder = new ClusterLeaseHolder(world, new Prng(seed + 99));
    this.#running = [...this.#clients, ...this.#watches, this.#holder].map((one) => one.run());
  }

  get answered(): number {
    return this.#clients.reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Resolves when so many more calls were answered. */
  async progress(count: number): Promise<void> {
    const goal = this.answered + count;
    await eventually(`${count} more answers`, () => this.answered >= goal, 30_000);
  }

  /** Clients call this member too. */
  join(member: ClusterMember): void {
    this.#targets.push({ member, client: member.client() });
  }

  /** Nobody calls this member any more; what it was asked and has not answered has no outcome. */
  leave(member: ClusterMember): void {
    const at = this.#targets.findIndex((target) => target.member === member);
    const [target] = this.#targets.splice(at, 1);
    target?.client[Symbol.dispose]();
  }

  /**
   * Lets clients finish, and watches hear of everything; then members must agree, and what was seen must fit in one
   * order.
   */
  async finish(): Promise<HistoryReport> {
    for (const client of this.#clients) client.stop();
    this.#holder.stop();
    const hashes = await this.#hashes();
    expect(new Set(hashes).size, hashes.join(', ')).toBe(1);
    const [target] = this.#targets;
    const response = await target?.client.kv.range({ key: Buffer.from('a') });
    const revision = Number(response?.header?.revision);
    const everything = this.#watches.slice(0, 2);
    await eventually('watches to catch up', () => everything.every(({ next }) => next > revision));
    const report = checkHistory(this.#history);
    const { operations, unanswered, revisions, watchEvents } = report;
    console.log(
      `${operations} calls, ${unanswered} without an answer, ${revisions} revisions, ${watchEvents} watch events`,
    );
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.stop();
    this.#holder.stop();
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    for (const { client } of this.#targets) client[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  /** Of all members at one revision, once leases have stopped to expire and what was compacted is so everywhere. */
  async #hashes(): Promise<number[]> {
    return await eventually(
      'members to be at one revision',
      async () => {
        const found = await Promise.all(
          this.#targets.map(({ client }) => client.maintenance.hashKV({})),
        );
        const states = found.map(({ hashRevision, compactRevision }) => {
          return `${hashRevision} from ${compactRevision}`;
        });
        return new Set(states).size === 1 && found.map(({ hash }) => hash);
      },
      30_000,
    );
  }
}
