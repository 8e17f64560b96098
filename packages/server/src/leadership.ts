import { EtcdError } from '@kvorum/api';
import type { MemberId } from '@kvorum/raft';
import type { Clock } from './clock.ts';
import type { Logger } from './logging/logger.ts';
import type { Member } from './membership/cluster.ts';
import { formatId } from './membership/ids.ts';
import type { NodeLoop } from './node-loop.ts';

export interface LeadershipOptions {
  readonly memberId: MemberId;
  readonly loop: NodeLoop;
  readonly clock: Clock;
  readonly members: () => readonly Member[];
  /** How long another member has been connected, in ms; undefined when it isn't. */
  readonly activeForMs: (id: MemberId) => number | undefined;
  readonly logger: Logger;
}

const UNKNOWN = 2;

/** Who leads, and how to hand that over. */
export class Leadership {
  readonly #options: LeadershipOptions;
  #leader: MemberId = 0n;
  #waiters: (() => void)[] = [];

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Who leads; 0n for nobody. */
  get leader(): MemberId {
    return this.#leader;
  }

  get isHere(): boolean {
    return this.#leader === this.#options.memberId;
  }

  /** Another member leads, or none. */
  changed(leader: MemberId): void {
    this.#leader = leader;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Hands over to a voter and resolves when it leads. Rejects with `EtcdError`. */
  async moveTo(target: MemberId, timeoutMs: number): Promise<void> {
    const { loop, members } = this.#options;
    if (!this.isHere) throw new EtcdError('notLeader');
    const isVoter = members().some(({ id, isLearner }) => id === target && !isLearner);
    if (!isVoter) throw new EtcdError('badLeaderTransferee');
    if (target === this.#options.memberId) return;
    loop.transferLeader(target);
    if (!(await this.#until(() => this.#leader === target, timeoutMs))) {
      const text = 'etcdserver: request timed out, leader transfer took too long';
      throw new EtcdError('unmapped', UNKNOWN, text);
    }
  }

  /** A leader that leaves spares the others the time of an election. Never rejects. */
  async handOver(timeoutMs: number): Promise<void> {
    const { logger, memberId } = this.#options;
    const target = this.longestConnected();
    if (!this.isHere || target === undefined) return;
    const fields = {
      'local-member-id': formatId(memberId),
      'transferee-member-id': formatId(target),
    };
    logger.info('leadership transfer starting', fields);
    try {
      await this.moveTo(target, timeoutMs);
      logger.info('leadership transfer finished', fields);
    } catch (error) {
      logger.warn('leadership transfer failed', { ...fields, error });
    }
  }

  /** Whether more than half of the voters, this member among them, are connected; never in a cluster of one. */
  isQuorumConnected(): boolean {
    const { memberId, members, activeForMs } = this.#options;
    const voters = members().filter(({ isLearner }) => !isLearner);
    const others = voters.filter(({ id }) => id !== memberId && activeForMs(id) !== undefined);
    return others.length > 0 && (others.length + 1) * 2 > voters.length;
  }

  /** The voter that has been connected for longest; undefined when none is. */
  longestConnected(): MemberId | undefined {
    const { memberId, members, activeForMs } = this.#options;
    let best: { id: MemberId; forMs: number } | undefined;
    for (const { id, isLearner } of members()) {
      const forMs = activeForMs(id);
      if (id === memberId || isLearner || forMs === undefined) continue;
      if (best === undefined || forMs > best.forMs) best = { id, forMs };
    }
    return best?.id;
  }

  /** Whether `holds` came true in time; looked at whenever the leader changes. */
  async #until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    let isOver = false;
    const stopTimer = this.#options.clock.after(timeoutMs, () => {
      isOver = true;
      this.changed(this.#leader);
    });
    while (!holds() && !isOver) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    stopTimer();
    return holds();
  }
}
