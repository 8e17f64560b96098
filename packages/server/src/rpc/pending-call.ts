import type { EtcdError } from '@kvorum/api';
import type { UnaryCall } from '@kvorum/h2';
import type { ApplyResult } from '../apply/applier.ts';
import type { Proposal } from '../apply/proposal.ts';
import type { Caller } from '../auth/caller.ts';
import type { MembershipRequest, RaftRequest } from '../codec/raft-requests.ts';

/** Encodes the answer to an applied request. */
export interface ResultEncoder {
  encodeResult(result: ApplyResult): Uint8Array;
}

/** A unary call that waits for its request to be applied. */
export class PendingCall implements Proposal {
  readonly request: RaftRequest;
  readonly caller: Caller | undefined;
  readonly proposedAtMs: number;
  done = false;
  readonly #call: UnaryCall;
  readonly #encoder: ResultEncoder;

  constructor(
    request: RaftRequest,
    caller: Caller | undefined,
    proposedAtMs: number,
    call: UnaryCall,
    encoder: ResultEncoder,
  ) {
    this.request = request;
    this.caller = caller;
    this.proposedAtMs = proposedAtMs;
    this.#call = call;
    this.#encoder = encoder;
  }

  settle(result: ApplyResult): void {
    this.done = true;
    this.#call.reply(this.#encoder.encodeResult(result));
  }

  fail(error: EtcdError): void {
    this.done = true;
    this.#call.fail(error.wireStatus, error.text);
  }
}

/** A request of the member itself: its outcome is a promise, rejected with `EtcdError`. */
export class OwnProposal implements Proposal {
  readonly request: RaftRequest | MembershipRequest;
  readonly caller: Caller | undefined;
  readonly proposedAtMs: number;
  done = false;
  readonly applied: Promise<ApplyResult>;
  readonly #resolve: (result: ApplyResult) => void;
  readonly #reject: (error: EtcdError) => void;

  constructor(
    request: RaftRequest | MembershipRequest,
    caller: Caller | undefined,
    proposedAtMs: number,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<ApplyResult>();
    this.request = request;
    this.caller = caller;
    this.proposedAtMs = proposedAtMs;
    this.applied = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settle(result: ApplyResult): void {
    this.done = true;
    this.#resolve(result);
  }

  fail(error: EtcdError): void {
    this.done = true;
    this.#reject(error);
  }
}
