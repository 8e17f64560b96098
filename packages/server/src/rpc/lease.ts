import { create, toBinary } from '@bufbuild/protobuf';
import {
  EtcdError,
  etcdErrors,
  LeaseGrantResponseSchema,
  LeaseLeasesResponseSchema,
  LeaseTimeToLiveResponseSchema,
} from '@kvorum/api';
import type { GrpcMethod, StreamCall, StreamReceiver, UnaryCall } from '@kvorum/h2';
import { type Lessor, MAX_LEASE_TTL_SECONDS, type Store } from '@kvorum/mvcc';
import type { Access } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { guardLease } from '../auth/request-guard.ts';
import { ProtoWriter } from '../codec/proto-writer.ts';
import { decodeLeaseGrant, decodeLeaseRevoke, decodeTwoInts } from '../codec/raft-requests.ts';
import type { Proposer } from '../proposer.ts';
import type { MemberHeaders } from './headers.ts';
import type { LeaderCalls } from './leader-calls.ts';
import { statusOf, unaryAsync } from './method.ts';
import type { EndlessStream, OpenStreams } from './open-streams.ts';

export interface LeaseOptions {
  readonly store: Store;
  readonly lessor: Lessor;
  readonly proposer: Proposer;
  readonly access: Access;
  readonly headers: MemberHeaders;
  readonly streams: OpenStreams;
  readonly leader: LeaderCalls;
}

/** etcdserverpb.Lease. */
export class LeaseService {
  readonly #options: LeaseOptions;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/etcdserverpb.Lease';
    const open = (call: StreamCall) => new KeepAliveStream(this.#options, call);
    return [
      [`${path}/LeaseGrant`, unaryAsync((bytes, call) => this.#grant(bytes, call))],
      [`${path}/LeaseRevoke`, unaryAsync((bytes, call) => this.#revoke(bytes, call))],
      [`${path}/LeaseKeepAlive`, { kind: 'stream', open }],
      [`${path}/LeaseTimeToLive`, unaryAsync((bytes, call) => this.#timeToLive(bytes, call))],
      [`${path}/LeaseLeases`, unaryAsync((_bytes, call) => this.#leases(call))],
    ];
  }

  async #grant(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { proposer, headers, access } = this.#options;
    const asked = decodeLeaseGrant(bytes);
    if (asked.ttlSeconds > MAX_LEASE_TTL_SECONDS) throw new EtcdError('leaseTtlTooLarge');
    const id = asked.id === 0n ? proposer.nextLeaseId() : asked.id;
    const result = await proposer.propose({ ...asked, id }, access.callerOf(call));
    if (result.kind !== 'lease') throw new Error(`a lease grant gave a ${result.kind}`);
    const header = headers.message(result.revision);
    const response = create(LeaseGrantResponseSchema, {
      header,
      ID: id,
      TTL: BigInt(result.ttlSeconds),
    });
    return toBinary(LeaseGrantResponseSchema, response);
  }

  async #revoke(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { proposer, headers, access } = this.#options;
    const result = await proposer.propose(decodeLeaseRevoke(bytes), access.callerOf(call));
    if (result.kind !== 'lease') throw new Error(`a lease revoke gave a ${result.kind}`);
    return headers.at(result.revision);
  }

  /** An unknown lease is no error: its TTL is -1. */
  async #timeToLive(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { leader, headers, access } = this.#options;
    const { first: ID, second } = decodeTwoInts(bytes);
    const caller = access.callerOf(call);
    access.mustBeUser(caller);
    const found = await leader.timeToLive(ID, second !== 0n);
    for (const key of found?.keys ?? []) access.mustRead(caller, key);
    const response = create(LeaseTimeToLiveResponseSchema, {
      header: headers.message(this.#options.store.revision),
      ID,
      TTL: found === undefined ? -1n : BigInt(found.remainingSeconds),
      grantedTTL: found === undefined ? 0n : BigInt(found.grantedSeconds),
      keys: [...(found?.keys ?? [])],
    });
    return toBinary(LeaseTimeToLiveResponseSchema, response);
  }

  /** Which leases there are is told to those who may read all keys that are attached to any. */
  async #leases(call: UnaryCall): Promise<Uint8Array> {
    const { lessor, store, headers, access } = this.#options;
    const caller = access.callerOf(call);
    access.mustBeUser(caller);
    if (!access.isUnlimited(caller)) {
      for (const id of lessor.list()) {
        for (const key of lessor.keysOf(id)) access.mustRead(caller, key);
      }
    }
    const response = create(LeaseLeasesResponseSchema, {
      header: headers.message(store.revision),
      leases: lessor.list().map((ID) => ({ ID })),
    });
    return toBinary(LeaseLeasesResponseSchema, response);
  }
}

const writer = new ProtoWriter(256);

/** Renewals on one stream: one response per request, in order. */
class KeepAliveStream implements StreamReceiver, EndlessStream {
  readonly #options: LeaseOptions;
  readonly #call: StreamCall;
  /** Renewals that wait for the log; while there are any, later ones wait behind them. */
  #waiting = 0;
  #order: Promise<void> = Promise.resolve();
  #halfClosed = false;
  #ended = false;
  /** The message that came last, and what it asked for. */
  #message: Uint8Array = new Uint8Array(0);
  #id = 0n;
  /** The answer that was sent last, and what it said. */
  #answer: Uint8Array = new Uint8Array(0);
  #answered: { head: Uint8Array; id: bigint; ttlSeconds: number } | undefined;

  constructor(options: LeaseOptions, call: StreamCall) {
    this.#options = options;
    this.#call = call;
    options.streams.add(this);
  }

  onMessage(message: Uint8Array): void {
    // A stream for each lease is the rule: then every message says the same.
    if (!isSame(message, this.#message)) {
      try {
        this.#id = decodeTwoInts(message).first;
      } catch (error) {
        const { status, text } = statusOf(error, 'stream');
        this.#end(status, text);
        return;
      }
      // A copy: the message is a view of all that came with it.
      this.#message = Uint8Array.from(message);
    }
    const id = this.#id;
    const { access, leader, store } = this.#options;
    let caller: Caller | undefined;
    if (access.isEnabled) {
      try {
        caller = access.callerOf(this.#call);
        access.mustBeUser(caller);
        guardLease(access, store, id, caller);
      } catch (error) {
        const { status, text } = statusOf(error, 'stream');
        this.#end(status, text);
        return;
      }
    }
    const isNow = this.#waiting === 0 && leader.isHere && this.#renew(id);
    if (!isNow) this.#renewInOrder(id, caller);
  }

  onHalfClose(): void {
    this.#halfClosed = true;
    if (this.#waiting === 0) this.#end();
  }

  /** The client reads again, so it's read from again. */
  onDrain(): void {
    this.#call.resume();
  }

  onAbort(): void {
    this.#ended = true;
    this.#options.streams.delete(this);
  }

  stop(): void {
    const { status, text } = etcdErrors.stopped;
    this.#end(status, text);
  }

  /** The same as last time, if it says the same. A TTL of 0 is left out, as any zero. */
  #answerOf(head: Uint8Array, id: bigint, ttlSeconds: number): Uint8Array {
    const last = this.#answered;
    const isSameAnswer = last?.head === head && last.id === id && last.ttlSeconds === ttlSeconds;
    if (isSameAnswer) return this.#answer;
    writer.raw(head).tag(0x10).int64(id);
    if (ttlSeconds > 0) writer.tag(0x18).uint(ttlSeconds);
    this.#answer = writer.take();
    this.#answered = { head, id, ttlSeconds };
    return this.#answer;
  }

  /**
   * Renews and answers; an unknown or expired lease answers with TTL 0. False, with no answer, when a shorter remaining
   * time is on disk: the note must be taken back before the client hears that the lease is renewed, else a crash would
   * bring the shorter time back.
   */
  #renew(id: bigint): boolean {
    const { lessor, store, headers } = this.#options;
    const revision = store.revision;
    const renewal = lessor.renew(id);
    if (renewal?.needsReset === true) return false;
    this.#send(headers.at(revision), id, renewal?.ttlSeconds ?? 0);
    return true;
  }

  #send(head: Uint8Array, id: bigint, ttlSeconds: number): void {
    const more = this.#call.send(this.#answerOf(head, id, ttlSeconds));
    if (!more) this.#call.pause();
  }

  /** By the log, or by another member that leads. */
  #renewInOrder(id: bigint, caller: Caller | undefined): void {
    const { leader, headers } = this.#options;
    this.#waiting++;
    this.#order = this.#order.then(async () => {
      try {
        const head = headers.at(this.#options.store.revision);
        const ttlSeconds = this.#ended ? 0 : await leader.renew(id, caller);
        if (!this.#ended) this.#send(head, id, ttlSeconds);
      } catch (error) {
        const { status, text } = statusOf(error, 'stream');
        this.#end(status, text);
      }
      this.#waiting--;
      if (this.#halfClosed && this.#waiting === 0) this.#end();
    });
  }

  #end(status?: number, text?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.streams.delete(this);
    this.#call.end(status, text);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return one.length > 0;
}
