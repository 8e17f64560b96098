import { EtcdError, errorFromStatus } from '@kvorum/api';
import { CallError, Status } from '@kvorum/h2';
import { LeaseError, type Lessor } from '@kvorum/mvcc';
import type { Access } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { type AttachedKeys, guardLease } from '../auth/request-guard.ts';
import type { Clock } from '../clock.ts';
import { ProtoReader } from '../codec/proto-reader.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import { decodeTwoInts } from '../codec/raft-requests.ts';
import type { Reconfiguration } from '../membership/reconfiguration.ts';
import type { PeerCalls, PeerMethods } from '../peer/peer-calls.ts';
import type { Proposer } from '../proposer.ts';

const RENEW = '/kvorum.Peer/LeaseRenew';
const TIME_TO_LIVE = '/kvorum.Peer/LeaseTimeToLive';
const PROMOTE = '/kvorum.Peer/MemberPromote';

/** Between two attempts to find a leader that answers, as in etcd. */
const RETRY_MS = 50;

/** What a lease has left; undefined stands for one that is unknown or has expired. */
export interface LeaseLife {
  readonly remainingSeconds: number;
  readonly grantedSeconds: number;
  readonly keys: readonly Uint8Array[];
}

export interface LeaderCallsOptions {
  readonly memberId: bigint;
  readonly lessor: Lessor;
  readonly proposer: Proposer;
  readonly reconfiguration: Reconfiguration;
  readonly access: Access;
  readonly attached: AttachedKeys;
  readonly clock: Clock;
  /** Undefined for a member that has no way to others. */
  readonly peers: PeerCalls | undefined;
  /** Who leads, as far as is known; 0n for nobody. */
  readonly leader: () => bigint;
  /** This member leads, and has applied what came before. */
  readonly leads: () => boolean;
  readonly timeoutMs: number;
}

/** What only the leader knows or decides: done here when this member leads, else asked of the one that does. */
export class LeaderCalls {
  readonly #options: LeaderCallsOptions;

  constructor(options: LeaderCallsOptions) {
    this.#options = options;
  }

  /** This member leads: what only the leader can do is done in place. */
  get isHere(): boolean {
    return this.#options.leads();
  }

  /** What other members may call on this one. */
  methods(): PeerMethods {
    return new Map([
      [
        RENEW,
        async (request) => {
          const { access, attached } = this.#options;
          const id = idOf(request);
          // The member that was asked may not know yet what has been attached, or who may do what.
          const caller = callerIn(request);
          access.mustBeUser(caller);
          guardLease(access, attached, id, caller);
          return encodeSeconds(await this.#renewHere(id));
        },
      ],
      [TIME_TO_LIVE, async (request) => this.#answerTimeToLive(request)],
      [
        PROMOTE,
        async (request) => {
          if (!this.isHere) throw new EtcdError('notLeader');
          this.#options.access.mustBeRoot(callerIn(request));
          await this.#options.reconfiguration.promote(BigInt.asUintN(64, idOf(request)));
          return NO_BYTES;
        },
      ],
    ]);
  }

  /**
   * Renews a lease for a caller that may, as far as is known here; resolves with its whole TTL, 0 for one that is
   * unknown or has expired. Rejects with `EtcdError`.
   */
  async renew(id: bigint, caller: Caller | undefined): Promise<number> {
    return await this.#atLeader(RENEW, encodeId(id, caller), {
      here: () => this.#renewHere(id),
      there: (answer) => new ProtoReader(answer).uint(),
    });
  }

  /** Rejects with `EtcdError`. */
  async timeToLive(id: bigint, withKeys: boolean): Promise<LeaseLife | undefined> {
    return await this.#atLeader(TIME_TO_LIVE, encodeTimeToLive(id, withKeys), {
      here: async () => this.#lifeHere(id, withKeys),
      there: decodeLife,
    });
  }

  /** Makes a learner a voter, for a caller that may. Rejects with `EtcdError`. */
  async promote(id: bigint, caller: Caller | undefined): Promise<void> {
    return await this.#atLeader(PROMOTE, encodeId(id, caller), {
      here: () => this.#options.reconfiguration.promote(id),
      there: () => undefined,
    });
  }

  async #atLeader<T>(
    path: string,
    request: Uint8Array,
    ways: { here: () => Promise<T>; there: (answer: Uint8Array) => T },
  ): Promise<T> {
    const { clock, leader, peers, timeoutMs, memberId } = this.#options;
    const endMs = clock.nowMs() + timeoutMs;
    for (;;) {
      if (this.isHere) {
        const result = await orMoved(ways.here());
        if (result !== MOVED) return result;
      } else if (peers !== undefined && leader() !== 0n && leader() !== memberId) {
        const leftMs = Math.max(1, endMs - clock.nowMs());
        const answer = await orMoved(peers.call(leader(), path, request, leftMs));
        if (answer !== MOVED) return ways.there(answer);
      }
      if (clock.nowMs() >= endMs) throw new EtcdError(leader() === 0n ? 'noLeader' : 'timeout');
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }

  /**
   * Renews, where this member leads. When a shorter remaining time is on disk, that note is taken back first: a crash
   * would bring the shorter time back.
   */
  async #renewHere(id: bigint): Promise<number> {
    const { lessor, proposer } = this.#options;
    for (;;) {
      const renewal = lessor.renew(id);
      if (renewal?.needsReset !== true) return renewal?.ttlSeconds ?? 0;
      await proposer.proposeOwn({
        kind: 'leaseCheckpoint',
        checkpoints: [{ id, remainingSeconds: 0 }],
      });
    }
  }

  #lifeHere(id: bigint, withKeys: boolean): LeaseLife | undefined {
    const { lessor } = this.#options;
    const found = lessor.timeToLive(id);
    if (found === undefined) return undefined;
    return { ...found, keys: withKeys ? lessor.keysOf(id) : [] };
  }

  #answerTimeToLive(request: Uint8Array): Uint8Array {
    if (!this.isHere) throw new EtcdError('notLeader');
    const { first, second } = decodeTwoInts(request);
    return encodeLife(this.#lifeHere(first, second !== 0n));
  }
}

const NO_BYTES = new Uint8Array(0);
const MOVED = Symbol('another member leads');

/** The outcome, or that it has to be asked elsewhere or again. */
async function orMoved<T>(outcome: Promise<T>): Promise<T | typeof MOVED> {
  try {
    return await outcome;
  } catch (error) {
    if (error instanceof LeaseError && error.code === 'notPrimary') return MOVED;
    if (error instanceof EtcdError && error.code === 'notLeader') return MOVED;
    if (!(error instanceof CallError)) throw error;
    const { status, message } = error.callStatus;
    const known = errorFromStatus(status, message);
    const isElsewhere = known.code === 'notLeader' || message === 'not a primary lessor';
    if (isElsewhere || (status === Status.unavailable && known.code === 'unmapped')) return MOVED;
    if (status === Status.deadlineExceeded) throw new EtcdError('timeout');
    throw known;
  }
}

const writer = new ProtoWriter(256);

/** The id in field 1; who asks, in fields 3 and 4. */
function encodeId(id: bigint, caller: Caller | undefined): Uint8Array {
  writer.tag(0x08).int64(id);
  if (caller !== undefined) writer.text(0x1a, caller.username).tag(0x20).uint(caller.authRevision);
  return writer.take();
}

function callerIn(request: Uint8Array): Caller | undefined {
  const reader = new ProtoReader(request);
  let username = '';
  let authRevision = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 3) username = Buffer.from(reader.bytes()).toString();
    else if (field === 4) authRevision = reader.int64Number();
    else reader.skip();
  }
  return username === '' ? undefined : { username, authRevision };
}

/** Signed, as the ids of leases are. */
function idOf(request: Uint8Array): bigint {
  return decodeTwoInts(request).first;
}

function encodeSeconds(seconds: number): Uint8Array {
  return writer.uint(seconds).take();
}

function encodeTimeToLive(id: bigint, withKeys: boolean): Uint8Array {
  return writer
    .tag(0x08)
    .int64(id)
    .tag(0x10)
    .uint(withKeys ? 1 : 0)
    .take();
}

function encodeLife(life: LeaseLife | undefined): Uint8Array {
  if (life === undefined) return NO_BYTES;
  writer.uint(Math.max(0, Math.floor(life.remainingSeconds))).uint(life.grantedSeconds);
  for (const key of life.keys) writer.uint(key.length).raw(key);
  return writer.take();
}

function decodeLife(bytes: Uint8Array): LeaseLife | undefined {
  if (bytes.length === 0) return undefined;
  const reader = new ProtoReader(bytes);
  const remainingSeconds = reader.uint();
  const grantedSeconds = reader.uint();
  const keys: Uint8Array[] = [];
  while (reader.pos < bytes.length) {
    const size = reader.uint();
    keys.push(bytes.slice(reader.pos, reader.pos + size));
    reader.pos += size;
  }
  return { remainingSeconds, grantedSeconds, keys };
}
