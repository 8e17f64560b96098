import { create, toBinary } from '@bufbuild/protobuf';
import {
  MemberAddRequestSchema,
  MemberPromoteRequestSchema,
  MemberRemoveRequestSchema,
  MoveLeaderRequestSchema,
} from '@kvorum/api';
import type { Prng } from '@kvorum/wal/testing';
import type { Member } from '../../membership/cluster.ts';
import type { SimWorld } from './world.ts';

/** Members at most, learners among them. */
const MAX_MEMBERS = 6;
/** Places at most that members are added at in a run. */
const MAX_PLACES = 16;
/**
 * Voters that stay. Of two, none is removed: what is left of them then depends on what the one that went has said, and
 * it says nothing any more.
 */
const MIN_VOTERS = 2;
const CALL_TIMEOUT_MS = 20_000;

/** Somebody who changes the cluster while it runs: adds, promotes and removes members, and moves the leadership. */
export class Operator {
  readonly #world: SimWorld;
  readonly #prng: Prng;
  /** Longest time between two wishes, in ms; 0 for an operator who has none. */
  readonly #everyMs: number;
  readonly #boot: (index: number) => void;
  /** Places of members that may have been added, and that were never seen to be. */
  readonly #unborn = new Set<number>();
  /** Places that nobody has heard of, as the member that was asked was down. */
  readonly #spare: number[] = [];
  /** Ids of members that may be on their way out. */
  readonly #leaving = new Set<bigint>();
  #isStopped = false;
  #calls = 0;
  /** Changes of the membership, and moves of the leadership, that were confirmed. */
  changes = 0;
  moves = 0;

  constructor(world: SimWorld, prng: Prng, everyMs: number, boot: (index: number) => void) {
    this.#world = world;
    this.#prng = prng;
    this.#everyMs = everyMs;
    this.#boot = boot;
  }

  start(): void {
    if (this.#everyMs === 0) return;
    const { time } = this.#world.cluster;
    time.after(this.#prng.below(this.#everyMs), () => {
      this.#startAdded();
      if (!this.#isStopped) this.#next();
      this.start();
    });
  }

  /** No further wishes; but whoever is added by an earlier one is started. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A call is running. */
  get isBusy(): boolean {
    return this.#calls > 0;
  }

  /** A member could not join: it waits until others know of it. */
  refused(index: number): void {
    this.#unborn.add(index);
  }

  /** Whether a place has no member yet, or none that anybody knows of. */
  isUnborn(index: number): boolean {
    return this.#unborn.has(index);
  }

  #startAdded(): void {
    const { cluster } = this.#world;
    for (const member of cluster.membership) {
      const index = cluster.placeOf(member);
      if (index === undefined || !this.#unborn.delete(index)) continue;
      this.#note(() => `m${index} starts for the first time`);
      this.#boot(index);
    }
  }

  #next(): void {
    const { cluster } = this.#world;
    const prng = this.#prng;
    const at = cluster.up(prng) ?? cluster.anyone(prng);
    const members = cluster.membership;
    const voters = members.filter(({ isLearner }) => !isLearner);
    const learners = members.filter(({ isLearner }) => isLearner);
    const dice = prng.below(100);
    const isFull = members.length >= MAX_MEMBERS || cluster.size >= MAX_PLACES;
    if (dice < 20) {
      if (!isFull) this.#add(at, true);
    } else if (dice < 32) {
      if (!isFull) this.#add(at, false);
    } else if (dice < 52) {
      const learner = learners[prng.below(learners.length)];
      if (learner !== undefined) this.#promote(at, learner);
    } else if (dice < 75) {
      this.#remove(at, members);
    } else {
      const target = voters[prng.below(voters.length)];
      const from = prng.chance(0.9) ? (cluster.leader ?? at) : at;
      if (target !== undefined) this.#move(from, target);
    }
  }

  #add(at: number, isLearner: boolean): void {
    const { cluster } = this.#world;
    const index = this.#spare.pop() ?? cluster.addPlace();
    this.#unborn.add(index);
    this.#note(() => `m${at} is to add m${index}${isLearner ? ' as a learner' : ''}`);
    const request = { peerURLs: [cluster.urlOf(index)], isLearner };
    const bytes = toBinary(MemberAddRequestSchema, create(MemberAddRequestSchema, request));
    this.#call(at, '/etcdserverpb.Cluster/MemberAdd', bytes, (outcome) => {
      if (outcome === 'done') this.changes += 1;
      if (outcome === 'refused') this.#spare.push(index);
    });
  }

  #promote(at: number, { id }: Member): void {
    this.#note(() => `m${at} is to promote ${this.#nameOf(id)}`);
    const request = create(MemberPromoteRequestSchema, { ID: id });
    const bytes = toBinary(MemberPromoteRequestSchema, request);
    this.#call(at, '/etcdserverpb.Cluster/MemberPromote', bytes, (outcome) => {
      if (outcome === 'done') this.changes += 1;
    });
  }

  #remove(at: number, members: readonly Member[]): void {
    const { cluster } = this.#world;
    const prng = this.#prng;
    const staying = members.filter(({ id, isLearner }) => !isLearner && !this.#leaving.has(id));
    const leader = cluster.leader;
    const target =
      leader !== undefined && prng.chance(0.3)
        ? members.find((member) => cluster.placeOf(member) === leader)
        : members[prng.below(members.length)];
    if (target === undefined) return;
    if (!target.isLearner && staying.length <= MIN_VOTERS) return;
    const { id } = target;
    this.#leaving.add(id);
    this.#note(() => `m${at} is to remove ${this.#nameOf(id)}`);
    const request = create(MemberRemoveRequestSchema, { ID: id });
    const bytes = toBinary(MemberRemoveRequestSchema, request);
    this.#call(at, '/etcdserverpb.Cluster/MemberRemove', bytes, (outcome) => {
      if (outcome === 'done') this.changes += 1;
    });
  }

  #move(from: number, { id }: Member): void {
    this.#note(() => `m${from} is to hand over to ${this.#nameOf(id)}`);
    const request = create(MoveLeaderRequestSchema, { targetID: id });
    const bytes = toBinary(MoveLeaderRequestSchema, request);
    this.#call(from, '/etcdserverpb.Maintenance/MoveLeader', bytes, (outcome) => {
      if (outcome === 'done') this.moves += 1;
    });
  }

  /** One call; whatever becomes of it, the operator looks at the membership afterwards. */
  #call(at: number, path: string, bytes: Uint8Array, ended: (outcome: string) => void): void {
    const { cluster, trace } = this.#world;
    let isOpen = true;
    this.#calls += 1;
    const end = (outcome: string) => {
      if (!isOpen) return;
      isOpen = false;
      this.#calls -= 1;
      stopTimer();
      ended(outcome);
      trace.word(outcome);
      trace.line(cluster.time.nowMs, () => `op → m${at} ${path} ${outcome}`);
      this.#startAdded();
    };
    const stopTimer = cluster.time.after(CALL_TIMEOUT_MS, () => end('timed out'));
    cluster.invoke(at, path, bytes, {
      reply: () => end('done'),
      fail: (_, text) => end(text),
      refused: () => end('refused'),
      lost: () => end('lost'),
    });
  }

  #nameOf(id: bigint): string {
    const { cluster } = this.#world;
    const member = cluster.membership.find((known) => known.id === id);
    return `m${member === undefined ? '?' : cluster.placeOf(member)}`;
  }

  #note(text: () => string): void {
    const { trace, cluster } = this.#world;
    trace.mix(cluster.time.nowMs);
    trace.line(cluster.time.nowMs, () => `** ${text()}`);
  }
}
