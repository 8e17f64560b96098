import { EtcdError } from '@kvorum/api';
import type { ConfChange, ConfChangeType } from '@kvorum/raft';
import type { Clock } from '../clock.ts';
import { ConfigError } from '../config/config-error.ts';
import { parseEndpointUrl } from '../config/endpoint-url.ts';
import type { Proposer } from '../proposer.ts';
import { type Cluster, type Member, memberToJson, promotionToJson } from './cluster.ts';
import { memberIdOf } from './ids.ts';

export interface ReconfigurationOptions {
  readonly cluster: Cluster;
  readonly memberId: bigint;
  readonly proposer: Proposer;
  readonly clock: Clock;
  /** --strict-reconfig-check */
  readonly strict: boolean;
  /** How long another member has been connected without a break, in ms; undefined when it isn't. */
  readonly activeForMs: (id: bigint) => number | undefined;
  /** A change that waits for another one is given up after so long. */
  readonly timeoutMs: number;
  /**
   * The share of the log that a member has, at the leader: 1 is all of it. Undefined for one that the leader doesn't
   * know.
   */
  readonly progressOf: (id: bigint) => number | undefined;
}

/** A member counts as healthy when it has been connected for so long, as in etcd. */
const HEALTHY_AFTER_MS = 5000;
/** A learner may become a voter when it has this share of the log, as in etcd. */
const READY_SHARE = 0.9;
/** A change that met another one is proposed again after so long. */
const RETRY_MS = 50;

/**
 * Changes of the membership, as clients ask for them. Each resolves when it is applied here, and rejects with
 * `EtcdError` when it is refused: at once by the checks that keep a quorum alive, or by what the cluster has become when
 * its turn comes.
 */
export class Reconfiguration {
  readonly #options: ReconfigurationOptions;

  constructor(options: ReconfigurationOptions) {
    this.#options = options;
  }

  /** Adds a member, which is to be started afterwards; resolves with it. */
  async add(peerUrls: readonly string[], isLearner: boolean): Promise<Member> {
    const urls = checkedUrls(peerUrls);
    const { cluster, clock } = this.#options;
    this.#checkAdd(isLearner);
    // The time makes it another one than any that had these URLs before.
    const id = memberIdOf(urls, String(Math.floor(clock.wallMs() / 1000)));
    const member: Member = { id, name: '', peerUrls: urls, clientUrls: [], isLearner };
    await this.#change(isLearner ? 'addLearnerNode' : 'addNode', id, memberToJson(member));
    return cluster.member(id) ?? member;
  }

  async remove(id: bigint): Promise<void> {
    this.#checkRemove(id);
    await this.#change('removeNode', id, '');
  }

  async update(id: bigint, peerUrls: readonly string[]): Promise<void> {
    const { cluster } = this.#options;
    const known = cluster.member(id);
    if (known === undefined) throw new EtcdError('memberNotFound');
    await this.#change(
      'updateNode',
      id,
      memberToJson({ ...known, peerUrls: [...peerUrls].sort() }),
    );
  }

  /** Makes a learner a voter. Only the leader knows whether it is ready, so this is asked of the leader. */
  async promote(id: bigint): Promise<void> {
    const { cluster, progressOf } = this.#options;
    const share = progressOf(id);
    const known = cluster.member(id);
    if (share === undefined || known === undefined) throw new EtcdError('memberNotFound');
    if (known.isLearner && share < READY_SHARE) throw new EtcdError('learnerNotReady');
    this.#checkPromote();
    await this.#change('addNode', id, promotionToJson(known));
  }

  get #members(): readonly Member[] {
    return this.#options.cluster.members();
  }

  get #voters(): readonly Member[] {
    return this.#members.filter(({ isLearner }) => !isLearner);
  }

  async #change(type: ConfChangeType, nodeId: bigint, context: string): Promise<void> {
    const { proposer, clock, timeoutMs } = this.#options;
    const change: Omit<ConfChange, 'id'> = { type, nodeId, context: Buffer.from(context) };
    const endMs = clock.nowMs() + timeoutMs;
    for (;;) {
      const result = await proposer.proposeChange(change);
      if (result.kind !== 'deferred') return;
      if (clock.nowMs() >= endMs) throw new EtcdError('timeout');
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }

  /** A voter more must not raise the quorum above those that run; and too few that are connected are no quorum. */
  #checkAdd(isLearner: boolean): void {
    if (!this.#options.strict) return;
    const voters = this.#voters;
    if (!isLearner) {
      const started = voters.filter(isStarted).length;
      const isFirst = voters.length === 1 && started === 1;
      if (!isFirst && started < quorumOf(voters.length + 1)) {
        throw new EtcdError('memberNotEnoughStarted');
      }
    }
    if (voters.length === 1) return;
    if (this.#connected(voters) < quorumOf(voters.length + 1)) throw new EtcdError('unhealthy');
  }

  #checkRemove(id: bigint): void {
    const { strict, activeForMs, cluster, memberId } = this.#options;
    const known = cluster.member(id);
    if (known === undefined) throw new EtcdError('memberNotFound');
    if (!strict || known.isLearner) return;
    const voters = this.#voters;
    const others = voters.filter((member) => member.id !== id);
    if (others.length === 0 || others.filter(isStarted).length < quorumOf(others.length)) {
      throw new EtcdError('memberNotEnoughStarted');
    }
    // One that is down costs no quorum.
    if (id !== memberId && activeForMs(id) === undefined) return;
    if (this.#connected(voters) - 1 < quorumOf(voters.length - 1)) throw new EtcdError('unhealthy');
  }

  #checkPromote(): void {
    if (!this.#options.strict) return;
    const voters = this.#voters;
    const started = voters.filter(isStarted).length + 1;
    if (started < quorumOf(voters.length + 1)) throw new EtcdError('memberNotEnoughStarted');
  }

  /** Voters that have been connected for a while; this member is. */
  #connected(voters: readonly Member[]): number {
    const { memberId, activeForMs } = this.#options;
    return voters.filter(({ id }) => id === memberId || (activeForMs(id) ?? 0) >= HEALTHY_AFTER_MS)
      .length;
  }
}

function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** It has published its name. */
function isStarted({ name }: Member): boolean {
  return name !== '';
}

function checkedUrls(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new EtcdError('memberBadUrls');
  try {
    for (const url of urls) parseEndpointUrl(url);
  } catch (error) {
    if (error instanceof ConfigError) throw new EtcdError('memberBadUrls');
    throw error;
  }
  return [...urls].sort();
}
