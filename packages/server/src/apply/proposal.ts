import type { EtcdError } from '@kvorum/api';
import type { Caller } from '../auth/caller.ts';
import type { MembershipRequest, RaftRequest } from '../codec/raft-requests.ts';
import type { ApplyResult } from './applier.ts';

/**
 * A request on its way through the log, as the member that proposed it knows it. It travels as the entry's context,
 * so that its outcome finds the caller without a look-up. Exactly one of `settle` and `fail` is called, once.
 */
export interface Proposal {
  /** The decoded request; what is replicated is its encoded form. */
  readonly request: RaftRequest | MembershipRequest;
  /** Who made it; undefined when nobody was asked. Replicated with it. */
  readonly caller: Caller | undefined;
  /** When it was proposed, in milliseconds of the member's clock. */
  readonly proposedAtMs: number;
  /** True once settled or failed. */
  done: boolean;
  /** The request was applied and is durable. */
  settle(result: ApplyResult): void;
  /** The request was refused, or its outcome isn't known (timeout, stop). */
  fail(error: EtcdError): void;
}
