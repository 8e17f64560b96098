import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  LeaseLeasesRequestSchema,
  LeaseLeasesResponseSchema,
  RoleSchema,
  UserSchema,
} from '@kvorum/api';
import type { Scan, Store } from '@kvorum/mvcc';
import { Prng } from '@kvorum/wal/testing';
import { CONF_STATE_ROW } from '../../apply/applied-index.ts';
import { listMeta } from '../../apply/meta-rows.ts';
import { decodeConfState } from '../../codec/raft-records.ts';
import { memberToJson } from '../../membership/cluster.ts';
import { v2RowsOf } from '../../v2/testing/v2-client.ts';
import { checkHistory, History } from '../history/index.ts';
import { SimCluster, type SimClusterOptions, type SimEnd } from '../sim-cluster.ts';
import type { SimMember } from '../sim-member.ts';
import { Administrator } from './administrator.ts';
import { Faults, healthySync } from './faults.ts';
import { LeaseHolder } from './lease-holder.ts';
import { MemberChecks } from './member-checks.ts';
import { Operator } from './operator.ts';
import { SimClient } from './sim-client.ts';
import { SimWatch } from './sim-watch.ts';
import { Trace } from './trace.ts';
import { V2Writer } from './v2-writer.ts';
import { Workload } from './workload.ts';
import type { SimWorld } from './world.ts';

/** What to simulate. */
export interface SimulationOptions {
  readonly seed: number;
  /** Things that happen before the faults stop. Default 20,000. */
  readonly steps?: number;
  /** Members; 1, 3 or 5, as the seed has it, by default. */
  readonly members?: number;
  /**
   * Somebody changes v2 keys, too. Default false. Such changes take revisions that no call of v3 explains, so what
   * those clients saw isn't checked then: members must agree, and v2 keys be what was told of them.
   */
  readonly v2?: boolean;
  /** Told of everything that happens, a line each. */
  readonly print?: (line: string) => void;
}

/** What a run was worth, and what it found. */
export interface SimulationReport {
  readonly seed: number;
  /** Broken promises, in words; empty when all were kept. */
  readonly violations: readonly string[];
  /** Equal for equal runs. */
  readonly traceHash: string;
  readonly steps: number;
  /** Time that passed for the members, in ms. */
  readonly virtualMs: number;
  /** Members at the beginning. */
  readonly members: number;
  readonly operations: number;
  readonly unanswered: number;
  readonly revisions: number;
  readonly watchEvents: number;
  readonly crashes: number;
  /** Members that ended because their disk refused a sync, or a write. */
  readonly failedDisks: number;
  readonly terms: number;
  /** Changes of the membership that were confirmed. */
  readonly changes: number;
  /** Changes of users and roles that were confirmed. */
  readonly authChanges: number;
  /** Leaders that handed over because they were asked to. */
  readonly moves: number;
  /** States that members took over from another, as the log didn't reach back far enough. */
  readonly statesSent: number;
  /** Changes of v2 keys that were confirmed. */
  readonly v2Changes: number;
}

const LEASES = [
  '/etcdserverpb.Lease/LeaseLeases',
  LeaseLeasesRequestSchema,
  LeaseLeasesResponseSchema,
] as const;

const CLIENTS = 8;
const WATCHES = 3;
/** Greatest deviation of a clock from the true time. */
const CLOCK_DRIFT = 0.02;
/** Leases may end so much earlier than a client's clock says: clocks of two members, one after the other. */
const LEASE_DRIFT = 0.05;
/** How long the members may take, when nothing fails any more, until all of them are at the same point. */
const CONVERGE_MS = 60_000;

/**
 * One run of whole members under faults: for a number of steps everything goes wrong that can, then nothing does, and
 * the members must come to agree. What clients saw on the way is checked at the end. The seed decides everything.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const run = new Simulation(options);
  return await run.run();
}

/** The figures of a history that isn't checked. */
const UNCHECKED = { violations: [], unanswered: 0, revisions: 0, watchEvents: 0 };

class Simulation implements SimWorld {
  readonly history = new History();
  readonly checks = new MemberChecks(this.history);
  readonly trace: Trace;
  readonly cluster: SimCluster;
  readonly #options: SimulationOptions;
  readonly #founders: number;
  readonly #workload: Workload;
  readonly #clients: readonly SimClient[];
  readonly #watches: readonly SimWatch[];
  readonly #holder: LeaseHolder;
  readonly #faults: Faults;
  readonly #operator: Operator;
  readonly #administrator: Administrator;
  readonly #v2: V2Writer | undefined;
  readonly #violations: string[] = [];
  /** Bytes of data, so that a member's answers can be told from another's after a failure. */
  #hasFailed = false;

  constructor(options: SimulationOptions) {
    const prng = new Prng(options.seed);
    this.#options = options;
    this.trace = new Trace(options.print);
    const size = options.members ?? ([3, 3, 3, 5, 1][prng.below(5)] as number);
    this.#founders = size;
    const clusterOptions = this.#clusterOptions(prng);
    this.cluster = new SimCluster(prng.below(2 ** 31), size, clusterOptions);
    const fork = () => new Prng(prng.below(2 ** 31));
    this.#workload = new Workload(fork());
    const thinkMs = [20, 100, 400][prng.below(3)] as number;
    this.#clients = Array.from({ length: CLIENTS }, (_, id) => {
      return new SimClient(id, this, this.#workload, fork(), thinkMs);
    });
    this.#watches = Array.from({ length: WATCHES }, (_, id) => {
      return new SimWatch(id, this, this.#workload, fork());
    });
    this.#holder = new LeaseHolder(this, this.#workload, fork());
    const everyMs = [500, 2_000, 5_000][prng.below(3)] as number;
    const boot = (index: number) => this.#boot(index);
    const wishEveryMs = [0, 500, 1_500, 4_000][prng.below(4)] as number;
    this.#operator = new Operator(this, fork(), wishEveryMs, boot);
    this.#administrator = new Administrator(this, fork());
    // Apart from the others, so that they do the same without it.
    this.#v2 = options.v2 === true ? new V2Writer(this, new Prng(options.seed + 1)) : undefined;
    const isBorn = (index: number) => !this.#operator.isUnborn(index);
    this.#faults = new Faults(this, fork(), fork(), everyMs, boot, isBorn);
  }

  async run(): Promise<SimulationReport> {
    const { cluster } = this;
    const steps = this.#options.steps ?? 20_000;
    for (let index = 0; index < cluster.size; index++) this.#boot(index);
    for (const client of this.#clients) client.start();
    for (const watch of this.#watches) watch.start();
    this.#holder.start();
    this.#faults.start();
    this.#operator.start();
    this.#administrator.start();
    this.#v2?.start();
    try {
      while (cluster.time.steps < steps && !this.#isBroken) await this.#step();
      if (!this.#isBroken) await this.#converge();
    } catch (error) {
      this.#fail('what a client was told makes no sense', error);
    }
    return this.#report();
  }

  get #isBroken(): boolean {
    return this.#hasFailed || this.checks.violations.length > 0;
  }

  async #step(): Promise<void> {
    const { time } = this.cluster;
    if (!(await time.step(Number.POSITIVE_INFINITY))) throw new Error('nothing is left to happen');
    this.trace.mix(time.nowMs);
  }

  #clusterOptions(prng: Prng): SimClusterOptions {
    const [heartbeatIntervalMs, electionTimeoutMs] = [
      [100, 1000],
      [50, 500],
      [20, 200],
    ][prng.below(3)] as [number, number];
    return {
      settings: {
        heartbeatIntervalMs,
        electionTimeoutMs,
        snapshotCount: [20, 100, 1000][prng.below(3)] as number,
        snapshotCatchupEntries: [0, 5, 100][prng.below(3)] as number,
        compactionBatchLimit: [2, 20, 1000][prng.below(3)] as number,
        walSegmentBytes: ([4, 16, 64][prng.below(3)] as number) * 1024,
        strictReconfigCheck: prng.chance(0.5),
      },
      syncMs: healthySync,
      clockDrift: CLOCK_DRIFT,
      onSend: (from, message) => {
        this.trace.mix(message.index * 64 + message.term);
        this.checks.sent(from, message);
        this.#faults.sent(from, message);
      },
      onStore: (index, member) => this.checks.watchStore(index, member),
      onFailure: (index, error) => this.#fail(`m${index} failed`, error),
      onEnd: (index, why) => this.#ended(index, why),
    };
  }

  #boot(index: number): void {
    this.cluster.boot(index).catch((error: unknown) => this.#fail(`m${index} can't start`, error));
  }

  #ended(index: number, why: SimEnd): void {
    if (why === 'refused') this.#operator.refused(index);
    else this.#faults.ended(index, why);
  }

  #fail(what: string, error: unknown): void {
    this.#hasFailed = true;
    this.#violations.push(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** Faults and clients stop; the members, and the watches, must come to the same point. */
  async #converge(): Promise<void> {
    const { cluster } = this;
    this.trace.line(cluster.time.nowMs, () => '** faults stop');
    this.#faults.stop();
    this.#operator.stop();
    this.#administrator.stop();
    this.#v2?.stop();
    for (const client of this.#clients) client.stop();
    this.#holder.stop();
    for (const watch of this.#watches) watch.followFrom(Math.max(1, this.#workload.revision));
    const endMs = cluster.time.nowMs + CONVERGE_MS;
    await this.#until(() => this.#hasConverged(), endMs, 'no agreement');
    if (this.#isBroken) return;
    await this.#compareMembers();
    // Nobody renews leases any more: they come to their end.
    const hasNoLeases = () =>
      cluster.members.every(({ core }) => rowsOf(core.store.engine.scan('leases')) === '');
    await this.#until(hasNoLeases, endMs, 'leases are left');
  }

  /** Lets things happen until something holds; a violation when it takes too long. */
  async #until(holds: () => boolean, endMs: number, failure: string): Promise<void> {
    while (!this.#isBroken && !holds()) {
      if (this.cluster.time.nowMs > endMs) {
        this.#hasFailed = true;
        const state = this.#describeMembers();
        this.#violations.push(`${failure} within ${CONVERGE_MS} ms: ${state}`);
        return;
      }
      await this.#step();
    }
  }

  #hasConverged(): boolean {
    const { cluster } = this;
    if (this.#operator.isBusy || this.#administrator.isBusy) return false;
    if (this.#clients.some(({ isBusy }) => isBusy)) return false;
    const { members, membership, leader } = cluster;
    const [first] = members;
    if (first === undefined || leader === undefined || members.length < cluster.runningCount) {
      return false;
    }
    const running = new Set(members.map(({ core }) => core.memberId));
    if (running.size !== membership.length || membership.some(({ id }) => !running.has(id))) {
      return false;
    }
    const { appliedIndex } = first.core.raftStatus();
    const { revision } = first.core.store;
    return (
      members.every(({ core }) => {
        const status = core.raftStatus();
        return status.appliedIndex === appliedIndex && status.committedIndex === appliedIndex;
      }) && this.#watches.every(({ next }) => next === undefined || next > revision)
    );
  }

  /** All members must hold the same, at one moment: they are all asked before anything else happens. */
  async #compareMembers(): Promise<void> {
    const { cluster } = this;
    const asked = cluster.members.map((member) => stateOf(member));
    let states: string[] | undefined;
    void Promise.all(asked).then((all) => {
      states = all;
    });
    await cluster.time.until(() => states !== undefined);
    for (const [i, state] of (states ?? []).entries()) {
      if (state === states?.[0]) continue;
      this.#violations.push(`one member has ${states?.[0]}, but the ${i + 1}th ${state}`);
    }
    for (const member of cluster.members) this.#violations.push(...(this.#v2?.check(member) ?? []));
    for (const { core } of cluster.members) {
      const listed = core.cluster.members().map(({ id, isLearner }) => `${id} ${isLearner}`);
      const counted = countedBy(core.store);
      if (listed.join() === counted.join()) continue;
      this.#violations.push(`raft counts ${counted}, but the list of members is ${listed}`);
    }
  }

  #describeMembers(): string {
    const { cluster } = this;
    const texts = Array.from({ length: cluster.size }, (_, index) => {
      if (cluster.hasLeft(index)) return `m${index} was removed`;
      if (this.#operator.isUnborn(index)) return `m${index} was never started`;
      if (!cluster.isRunning(index)) return `m${index} is down`;
      const { core, isUp } = cluster.member(index);
      const { leader, term, appliedIndex, committedIndex } = core.raftStatus();
      const state = `term ${term}, leader ${leader}, applied ${appliedIndex} of ${committedIndex}`;
      return `m${index} ${isUp ? 'is up' : 'starts'}: ${state}`;
    });
    const watches = this.#watches.map(({ next }) => next).join(', ');
    return `${texts.join('; ')}; watches at ${watches}`;
  }

  #report(): SimulationReport {
    const { cluster, checks, trace } = this;
    for (const watch of this.#watches) watch.stop();
    const found = [...this.#violations, ...checks.violations];
    // Once the members disagree, everything else follows.
    const report =
      this.#v2 === undefined
        ? checkHistory(this.history, { clockDrift: LEASE_DRIFT })
        : { ...UNCHECKED, operations: this.history.operations.length };
    return {
      seed: this.#options.seed,
      violations: found.length > 0 ? found : report.violations,
      traceHash: trace.hash,
      steps: cluster.time.steps,
      virtualMs: Math.round(cluster.time.nowMs),
      members: this.#founders,
      operations: report.operations,
      unanswered: report.unanswered,
      revisions: report.revisions,
      watchEvents: report.watchEvents,
      crashes: this.#faults.crashes,
      failedDisks: this.#faults.failedDisks,
      terms: checks.terms,
      changes: this.#operator.changes,
      authChanges: this.#administrator.changes,
      moves: this.#operator.moves,
      statesSent: cluster.statesSent,
      v2Changes: this.#v2?.changes ?? 0,
    };
  }
}

/** What all members must have in common. */
async function stateOf(member: SimMember): Promise<string> {
  const { core } = member;
  const { store } = core;
  const leaseRows = rowsOf(store.engine.scan('leases'));
  const kv = await store.hashKv(store.revision);
  // A learner tells clients of no leases, but it has them.
  const leases = core.isLearner
    ? leaseIdsIn(store.engine.scan('leases'))
    : (await member.call(...LEASES, {})).leases.map(({ ID }) => ID);
  return JSON.stringify({
    hash: kv.hash,
    compactRevision: kv.compactRevision,
    hashRevision: kv.hashRevision,
    leases: leases.map(String).sort(),
    leaseRows,
    counted: countedBy(store),
    listed: core.cluster.members().map(memberToJson),
    auth: authOf(core),
    v2: v2RowsOf(core),
    members: [
      ...listMeta(store.engine, 'member/'),
      ...listMeta(store.engine, 'removedMember/'),
    ].map(([name, value]) => `${name}=${Buffer.from(value)}`),
  });
}

/** Users and roles, as the member has them on disk and in memory. */
function authOf({ store, auth }: SimMember['core']): unknown {
  const { revision } = auth.store;
  const users = auth.store.userNames().map((name) => textOf(UserSchema, auth.store.user(name)));
  const roles = auth.store.roleNames().map((name) => textOf(RoleSchema, auth.store.role(name)));
  const rows = [...listMeta(store.engine, 'auth/')].map(([name, row]) => {
    return `${name}=${Buffer.from(row).toString('hex')}`;
  });
  return { revision, users, roles, rows };
}

function textOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc> | undefined) {
  return message && Buffer.from(toBinary(schema, message)).toString('hex');
}

/** Whom raft counts as members, by ascending id, and whether as learners. */
function countedBy(store: Store): string[] {
  const { voters, learners } = decodeConfState(store.getMeta(CONF_STATE_ROW) ?? new Uint8Array(0));
  const ids = [...voters, ...learners].sort((a, b) => (a < b ? -1 : 1));
  return ids.map((id) => `${id} ${learners.includes(id)}`);
}

/** The ids that the rows of a scan are about. */
function leaseIdsIn(scan: Scan): bigint[] {
  const rows = scan.next(100_000);
  scan.close();
  return rows.filter((_, i) => i % 2 === 0).map((key) => Buffer.from(key).readBigInt64BE(0));
}

/** All rows of a scan, as text. */
function rowsOf(scan: Scan): string {
  const rows = scan.next(100_000).map((bytes) => Buffer.from(bytes).toString('hex'));
  scan.close();
  return rows.join(' ');
}
