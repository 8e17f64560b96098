import type { Channel } from '../channel.ts';
import { glimpseHeader, glimpseRead } from './response-header.ts';

/** What a member says of itself and the leader. */
export interface MemberStatus {
  readonly memberId: bigint;
  /** 0: it knows of none. */
  readonly leaderId: bigint;
  readonly raftTerm: bigint;
}

/** What hints are made from. */
export interface LeaderHintsOptions {
  readonly channels: () => readonly Channel[];
  /** Asks one endpoint; may reject with anything. */
  readonly askStatus: (channel: Channel) => Promise<MemberStatus>;
}

/** Calls that a follower would pass on to the leader, or would have to ask it about. */
const leaderPaths: ReadonlySet<string> = new Set([
  '/etcdserverpb.KV/Put',
  '/etcdserverpb.KV/DeleteRange',
  '/etcdserverpb.KV/Txn',
  '/etcdserverpb.KV/Compact',
  '/etcdserverpb.Lease/LeaseGrant',
  '/etcdserverpb.Lease/LeaseRevoke',
  '/etcdserverpb.Lease/LeaseKeepAlive',
  '/etcdserverpb.Lease/LeaseTimeToLive',
]);
const rangePath = '/etcdserverpb.KV/Range';

/**
 * Which endpoint leads, as far as is known: all are asked when the first call is made, and again when an answer bears a
 * newer term or the leader's endpoint fails. No call waits for that.
 */
export class LeaderHints {
  readonly #options: LeaderHintsOptions;
  readonly #members = new WeakMap<Channel, bigint>();
  #leaderId = 0n;
  #raftTerm = 0n;
  #isWanted = true;
  #asking: Promise<void> | undefined = undefined;

  constructor(options: LeaderHintsOptions) {
    this.#options = options;
  }

  /** The leader's channel, for a call that is better made there. */
  leaderFor(path: string, request: Uint8Array | undefined): Channel | undefined {
    if (this.#isWanted) this.#ask();
    if (this.#leaderId === 0n || !concernsLeader(path, request)) return undefined;
    return this.#options
      .channels()
      .find((channel) => this.#members.get(channel) === this.#leaderId);
  }

  /** Takes note of who has answered, and in which term. */
  answered(channel: Channel, response: Uint8Array): void {
    const header = glimpseHeader(response);
    if (header === undefined || header.memberId === 0n) return;
    this.#members.set(channel, header.memberId);
    if (header.raftTerm <= this.#raftTerm) return;
    this.#raftTerm = header.raftTerm;
    this.#leaderId = 0n;
    this.#isWanted = true;
  }

  failed(channel: Channel): void {
    if (this.#leaderId === 0n || this.#members.get(channel) !== this.#leaderId) return;
    this.#leaderId = 0n;
    this.#isWanted = true;
  }

  /** Resolves when nobody is being asked. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  #ask(): void {
    if (this.#asking !== undefined) return;
    this.#isWanted = false;
    const asked = this.#options.channels().map(async (channel) => {
      this.#learn(channel, await this.#options.askStatus(channel));
    });
    this.#asking = Promise.allSettled(asked).then(() => {
      this.#asking = undefined;
    });
  }

  #learn(channel: Channel, { memberId, leaderId, raftTerm }: MemberStatus): void {
    this.#members.set(channel, memberId);
    if (raftTerm < this.#raftTerm || leaderId === 0n) return;
    this.#raftTerm = raftTerm;
    this.#leaderId = leaderId;
  }
}

function concernsLeader(path: string, request: Uint8Array | undefined): boolean {
  if (path === rangePath) return request !== undefined && !glimpseRead(request).isSerializable;
  return leaderPaths.has(path);
}
