import type { Message } from '@kvorum/raft';
import type { DiskOperation, Prng } from '@kvorum/wal/testing';
import type { SimEnd } from '../sim-cluster.ts';
import { calmNetwork, type SimNetwork } from '../sim-peers.ts';
import type { SyncTimes } from '../sim-place.ts';
import type { SimWorld } from './world.ts';

/** How a disk behaves when nothing is wrong with it, in ms. */
export const healthySync: SyncTimes = [0.1, 0.5];

const weathers: readonly SimNetwork[] = [
  calmNetwork,
  { delayMs: [0.1, 3], lossRate: 0.01, duplicateRate: 0.01 },
  { delayMs: [1, 20], lossRate: 0.05, duplicateRate: 0.05, lateRate: 0.1, lateMs: 200 },
  { delayMs: [5, 60], lossRate: 0.2, duplicateRate: 0.1, lateRate: 0.2, lateMs: 1500 },
];

const slowSyncs: readonly SyncTimes[] = [
  [2, 20],
  [20, 200],
  [500, 2500],
];

/** What a disk may refuse: syncs above all. */
const refusedOperations: readonly DiskOperation[] = [
  'sync',
  'sync',
  'sync',
  'write',
  'rename',
  'syncDir',
];

/** Share of votes after which the voter crashes. */
const VOTER_CRASH_RATE = 0.2;

/** Everything that goes wrong: crashes, partitions, bad networks, slow disks, clocks that jump, stopped processes. */
export class Faults {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  /** Decides on faults that are aimed at a moment. */
  readonly #aim: Prng;
  /** Longest time between two faults, in ms. */
  readonly #everyMs: number;
  #isStopped = false;
  crashes = 0;
  /** Starts a member; told of failures elsewhere. */
  readonly #boot: (index: number) => void;
  /** Whether there is a member to start at a place. */
  readonly #isBorn: (index: number) => boolean;
  /** Members that have ended because their disk refused something. */
  failedDisks = 0;

  constructor(
    world: SimWorld,
    prng: Prng,
    aim: Prng,
    everyMs: number,
    boot: (index: number) => void,
    isBorn: (index: number) => boolean,
  ) {
    this.#world = world;
    this.#prng = prng;
    this.#aim = aim;
    this.#everyMs = everyMs;
    this.#boot = boot;
    this.#isBorn = isBorn;
  }

  start(): void {
    const { time } = this.#world.cluster;
    time.after(this.#prng.below(this.#everyMs), () => {
      if (this.#isStopped) return;
      this.#next();
      this.start();
    });
  }

  /** Everything is well again: all members run, the network and the disks are at their best. */
  stop(): void {
    this.#isStopped = true;
    const { cluster } = this.#world;
    cluster.network = calmNetwork;
    cluster.heal();
    for (let index = 0; index < cluster.size; index++) {
      cluster.paceDisk(index, healthySync);
      cluster.mendDisk(index);
      this.#start(index);
    }
  }

  /** A member has ended by itself. Whoever runs it starts it again, even when the cluster has removed it. */
  ended(index: number, why: SimEnd): void {
    this.#note(() => `m${index} has ended: ${why}`);
    if (why === 'disk') {
      this.crashes++;
      this.failedDisks++;
    }
    if (this.#isStopped) this.#start(index);
    else if (why !== 'removed' || this.#prng.chance(0.3)) this.#bootLater(index);
  }

  /**
   * A member sends. One that has just given its vote is crashed now and then, and soon there again: what it has
   * promised is put to the test while the election goes on.
   */
  sent(index: number, { type, reject }: Message): void {
    if (this.#isStopped || type !== 'MsgVoteResp' || reject) return;
    if (!this.#aim.chance(VOTER_CRASH_RATE)) return;
    const { cluster } = this.#world;
    cluster.time.after(0, () => {
      if (this.#isStopped || !cluster.isRunning(index)) return;
      this.#note(() => `m${index} crashes as it has voted`);
      this.crashes++;
      cluster.crash(index);
      cluster.time.after(this.#aim.below(100), () => {
        if (!cluster.isRunning(index)) this.#boot(index);
      });
    });
  }

  #start(index: number): void {
    const { cluster } = this.#world;
    if (cluster.isRunning(index) || cluster.hasLeft(index) || !this.#isBorn(index)) return;
    this.#boot(index);
  }

  #next(): void {
    const { cluster } = this.#world;
    const prng = this.#prng;
    const index = cluster.anyone(prng);
    const leader = cluster.leader ?? index;
    const dice = prng.below(100);
    if (dice < 18) this.#crash(index);
    else if (dice < 28) this.#crash(leader);
    else if (dice < 32) for (let i = 0; i < cluster.size; i++) this.#crash(i);
    else if (dice < 37) this.#stopOrderly(index);
    else if (dice < 47) this.#isolate(prng.chance(0.6) ? leader : index);
    else if (dice < 55) this.#cutOneWay(prng.chance(0.6) ? leader : index);
    else if (dice < 70) this.#heal();
    else if (dice < 80) this.#changeWeather();
    else if (dice < 84) this.#slowDisk(prng.chance(0.5) ? leader : index);
    else if (dice < 91) this.#failDisk(prng.chance(0.5) ? leader : index);
    else if (dice < 93) this.#jumpClock(index);
    else this.#pause(prng.chance(0.5) ? leader : index);
  }

  #crash(index: number): void {
    const { cluster } = this.#world;
    if (!cluster.isRunning(index)) return;
    this.#note(() => `m${index} crashes`);
    this.crashes++;
    cluster.crash(index);
    this.#bootLater(index);
  }

  #bootLater(index: number): void {
    const { cluster } = this.#world;
    const afterMs = this.#prng.chance(0.5) ? this.#prng.below(300) : this.#prng.below(6_000);
    cluster.time.after(afterMs, () => {
      if (cluster.isRunning(index) || !this.#isBorn(index)) return;
      this.#note(() => `m${index} starts`);
      this.#boot(index);
    });
  }

  #stopOrderly(index: number): void {
    const { cluster } = this.#world;
    if (!cluster.isUp(index)) return;
    this.#note(() => `m${index} stops`);
    void cluster.stop(index).then(() => {
      if (!cluster.isRunning(index)) this.#bootLater(index);
    });
  }

  #isolate(index: number): void {
    this.#note(() => `m${index} is isolated`);
    this.#world.cluster.isolate(index);
  }

  #cutOneWay(index: number): void {
    const { cluster } = this.#world;
    const inwards = this.#prng.chance(0.5);
    this.#note(() => `nothing gets ${inwards ? 'to' : 'out of'} m${index}`);
    for (let other = 0; other < cluster.size; other++) {
      if (other === index) continue;
      if (inwards) cluster.cut(other, index);
      else cluster.cut(index, other);
    }
  }

  #heal(): void {
    const { cluster } = this.#world;
    this.#note(() => 'the network heals');
    cluster.heal();
    for (let index = 0; index < cluster.size; index++) cluster.paceDisk(index, healthySync);
  }

  #changeWeather(): void {
    const weather = this.#prng.below(weathers.length);
    this.#note(() => `network ${weather}`);
    this.#world.cluster.network = weathers[weather] as SimNetwork;
  }

  #slowDisk(index: number): void {
    const sync = slowSyncs[this.#prng.below(slowSyncs.length)] as SyncTimes;
    this.#note(() => `syncs of m${index} take ${sync[0]} to ${sync[1]} ms`);
    this.#world.cluster.paceDisk(index, sync);
  }

  #failDisk(index: number): void {
    const prng = this.#prng;
    const operation = refusedOperations[prng.below(refusedOperations.length)] as DiskOperation;
    this.#note(() => `the disk of m${index} refuses a ${operation}`);
    this.#world.cluster.failDisk(index, operation, prng.below(4));
  }

  #jumpClock(index: number): void {
    const byMs = (this.#prng.below(7_200) - 3_600) * 1000;
    this.#note(() => `the wall clock of m${index} jumps by ${byMs} ms`);
    this.#world.cluster.jumpClock(index, byMs);
  }

  #pause(index: number): void {
    const durationMs = 100 + this.#prng.below(4_000);
    this.#note(() => `m${index} stands still for ${durationMs} ms`);
    this.#world.cluster.pause(index, durationMs);
  }

  #note(text: () => string): void {
    const { trace, cluster } = this.#world;
    trace.mix(cluster.time.nowMs);
    trace.line(cluster.time.nowMs, () => `** ${text()}`);
  }
}
