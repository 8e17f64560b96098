import { RaftError } from '../errors.ts';
import { invariant } from '../invariant.ts';
import {
  type ConfChangeSingle,
  type ConfState,
  emptyConfState,
  type MemberId,
  type Message,
  noBytes,
} from '../types.ts';
import { SafetyCheckers } from './checkers.ts';
import { SimNetwork } from './network.ts';
import { Prng } from './prng.ts';
import { type SimConfig, SimMember, type SimWorld } from './sim-member.ts';

/** What a run did, to see that it was worth something. */
export interface SimulationReport {
  committed: number;
  leaders: number;
  reads: number;
  crashes: number;
}

/** One seed decides everything: configuration, network, disks, crashes, traffic and membership. */
export class Simulator implements SimWorld {
  readonly random: Prng;
  readonly checkers = new SafetyCheckers();
  readonly #network: SimNetwork;
  readonly #members = new Map<MemberId, SimMember>();
  readonly #config: SimConfig;
  readonly #founders: ConfState;
  readonly #changesMembership: boolean;
  /** What had been applied when each read was asked. */
  readonly #reads: number[] = [];
  #proposals = 0;
  #answeredReads = 0;
  #crashes = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.#network = new SimNetwork(this.random);
    this.#network.onSnapshotLost = (message) => this.#reportSnapshot(message, 'failure');
    this.#config = randomConfig(this.random);
    this.#changesMembership = this.random.chance(0.5);
    const voters = this.random.pick([
      [1n, 2n, 3n],
      [1n, 2n, 3n, 4n, 5n],
    ]);
    this.#founders = { ...emptyConfState, voters };
    for (const id of voters) this.#add(id);
  }

  #add(id: MemberId): void {
    this.#members.set(id, new SimMember(id, this.#founders, this.#config, this));
  }

  send(message: Message): void {
    this.#network.send(message);
  }

  readAnswered(context: Uint8Array, index: number): void {
    const at = context.reduce((n, byte) => n * 256 + byte, 0);
    const needed = this.#reads[at] ?? Number.POSITIVE_INFINITY;
    invariant(index >= needed, 'a read would miss what was applied before it', { index, needed });
    this.#answeredReads++;
  }

  /** Runs with faults, then without: safety is checked throughout, convergence at the end. */
  run(steps: number): SimulationReport {
    for (let i = 0; i < steps; i++) {
      if (i % 300 === 0) this.#changeWeather();
      this.#step();
      if (i % 100 === 99) this.#checkLogs();
    }
    this.#converge();
    this.#checkLogs();
    return {
      committed: this.checkers.maxApplied,
      leaders: this.checkers.leaderCount,
      reads: this.#answeredReads,
      crashes: this.#crashes,
    };
  }

  #checkLogs(): void {
    this.checkers.logsMatch([...this.#members.values()].map((member) => member.storage));
  }

  /** Draws what the network is like for a while. */
  #changeWeather(): void {
    this.#network.faults = this.random.pick([
      { drop: 0, duplicate: 0 },
      { drop: 0.05, duplicate: 0.05 },
      { drop: 0.3, duplicate: 0.2 },
    ]);
    this.#network.heal();
    if (this.random.chance(0.4)) {
      const sides = [...this.#members.keys()].map((id) => [id, this.random.below(2)] as const);
      this.#network.partition(new Map(sides));
    }
  }

  #step(): void {
    const member = this.random.pick([...this.#members.values()]);
    const dice = this.random.next();
    if (dice < 0.68) {
      this.#deliver(false);
      this.#deliver(false);
      this.random.pick([...this.#members.values()]).work();
      member.work();
    } else if (dice < 0.82) this.#tick(member);
    else if (dice < 0.88) this.#propose(member);
    else if (dice < 0.95) this.#read(member);
    else if (dice < 0.965) member.compact(this.random.below(4));
    else if (dice < 0.97) member.node?.transferLeader(this.random.pick([...this.#members.keys()]));
    else if (dice < 0.976) this.#crashOrStart(member);
    else if (this.#changesMembership) this.#changeMembership(member);
  }

  /** Members that rely on leases tick at the same rate; others as they please. */
  #tick(member: SimMember): void {
    if (this.#config.readOnlyMode !== 'leaseBased') member.node?.tick();
    else if (this.random.chance(0.5)) for (const m of this.#members.values()) m.node?.tick();
  }

  #deliver(inOrder: boolean): void {
    const message = this.#network.receive(inOrder);
    if (message === undefined) return;
    const receiver = this.#members.get(message.to);
    if (message.type === 'MsgSnap') {
      this.#reportSnapshot(message, receiver?.node === undefined ? 'failure' : 'finish');
    }
    dropping(() => receiver?.node?.step(message));
  }

  #reportSnapshot(message: Message, outcome: 'finish' | 'failure'): void {
    this.#members.get(message.from)?.node?.reportSnapshot(message.to, outcome);
  }

  #propose(member: SimMember): void {
    const batch = Array.from({ length: 1 + this.random.below(4) }, () => {
      this.#proposals++;
      return Uint8Array.of(this.#proposals >>> 8, this.#proposals & 0xff);
    });
    dropping(() => member.node?.propose(batch));
  }

  #read(member: SimMember): void {
    const at = this.#reads.push(this.checkers.maxApplied) - 1;
    member.node?.readIndex(Uint8Array.of(at >>> 8, at & 0xff));
  }

  #crashOrStart(member: SimMember): void {
    if (member.node === undefined) {
      member.start();
    } else {
      member.crash();
      this.#crashes++;
    }
  }

  #changeMembership(member: SimMember): void {
    const ids = [1n, 2n, 3n, 4n, 5n, 6n];
    const changes = Array.from(
      { length: 1 + this.random.below(3) },
      (): ConfChangeSingle => ({
        type: this.random.pick(['addNode', 'addNode', 'removeNode', 'addLearnerNode']),
        nodeId: this.random.pick(ids),
      }),
    );
    for (const { nodeId } of changes) {
      // A new member learns the log from the leader; what it starts from is the founders' membership, not in the log.
      if (!this.#members.has(nodeId)) this.#add(nodeId);
    }
    const transition = this.random.pick(['auto', 'jointImplicit', 'jointExplicit'] as const);
    const leave = this.random.chance(0.3);
    const change = leave
      ? { transition: 'auto' as const, changes: [], context: noBytes }
      : { transition, changes, context: noBytes };
    dropping(() => member.node?.proposeConfChange(change));
  }

  /** Everybody is up and nothing is lost: a leader must emerge, commit something new, and be caught up with. */
  #converge(): void {
    this.#network.heal();
    this.#network.faults = { drop: 0, duplicate: 0 };
    for (const member of this.#members.values()) if (member.node === undefined) member.start();
    const before = this.checkers.maxApplied;
    for (let round = 0; round < 400; round++) {
      for (const member of this.#members.values()) member.node?.tick();
      this.#settle();
      const leader = [...this.#members.values()].find((m) => m.node?.role === 'leader');
      if (leader !== undefined && this.#hasConverged(leader, before)) return;
      if (leader !== undefined && leader.applied === leader.node?.committed) this.#propose(leader);
      this.#settle();
    }
    invariant(false, 'the members did not converge', { state: this.#describe() });
  }

  /** Lets everything happen that happens without time passing; that must come to an end. */
  #settle(): void {
    let budget = 100_000;
    let busy = true;
    while (busy) {
      busy = false;
      for (const member of this.#members.values()) {
        while (member.work()) {
          busy = true;
          invariant(--budget > 0, 'the members do not come to rest', { state: this.#describe() });
        }
      }
      while (this.#network.size > 0) {
        busy = true;
        invariant(--budget > 0, 'the messages do not come to an end', { state: this.#describe() });
        this.#deliver(true);
      }
    }
  }

  #hasConverged(leader: SimMember, before: number): boolean {
    const { voters, votersOutgoing, learners } = leader.conf;
    return (
      leader.applied > before &&
      [...voters, ...votersOutgoing, ...learners].every(
        (id) => this.#members.get(id)?.applied === leader.applied,
      )
    );
  }

  #describe(): string {
    return [...this.#members.values()]
      .map(({ id, applied, node, conf }) => {
        const lists = `${conf.voters}/${conf.votersOutgoing}/${conf.learners}`;
        return `${id}:${node?.role} term ${node?.term} applied ${applied}/${node?.committed} of ${lists}`;
      })
      .join('; ');
  }
}

function randomConfig(random: Prng): SimConfig {
  const checkQuorum = random.chance(0.5);
  return {
    electionTicks: 5 + random.below(5),
    heartbeatTicks: 1,
    maxSizePerMessage: random.pick([0, 60, 10_000]),
    maxInflightMessages: random.pick([1, 3, 256]),
    maxInflightBytes: random.pick([10_000, Number.POSITIVE_INFINITY]),
    maxUncommittedBytes: random.pick([20, 1_000_000]),
    maxCommittedSizePerReady: random.pick([1, 100, 1_000_000]),
    checkQuorum,
    readOnlyMode: checkQuorum && random.chance(0.5) ? 'leaseBased' : 'safe',
    preVote: random.chance(0.5),
    disableProposalForwarding: random.chance(0.2),
    asyncStorageWrites: random.chance(0.4),
    verify: true,
  };
}

/** Proposals may be dropped, and answers may come from members that have left. */
function dropping(act: () => void): void {
  try {
    act();
  } catch (error) {
    const expected = ['proposalDropped', 'stepPeerNotFound'];
    if (!(error instanceof RaftError && expected.includes(error.code))) throw error;
  }
}
