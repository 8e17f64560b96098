import { EtcdError } from '@kvorum/api';
import type { Proposal } from './apply/proposal.ts';

/** Requests waiting for a turn of the loop, with a bound on what they hold in memory. */
export interface QueueLimits {
  /** Proposals at most that are queued or in flight. More are refused with tooManyRequests. */
  readonly maxProposals: number;
  /** Bytes of proposals at most that are queued or in flight. */
  readonly maxBytes: number;
}

/**
 * 20,000 proposals are several batches of what a busy member holds at a time (the batch of one turn is about the number
 * of open streams); 256 MiB are 170 requests of the largest size. Beyond that, waiting longer helps nobody.
 */
export const defaultQueueLimits: QueueLimits = {
  maxProposals: 20_000,
  maxBytes: 256 * 1024 * 1024,
};

interface QueuedProposal {
  readonly data: Uint8Array;
  readonly context: Proposal;
}

/**
 * The proposals of this member: those that wait for the next batch, and those that raft has but that are not applied
 * yet. The first kind is handed to raft in one call per turn; both are watched for the request timeout.
 */
export class ProposalQueue {
  readonly #limits: QueueLimits;
  #waiting: QueuedProposal[] = [];
  /** Everything not settled, in the order of arrival; settled ones are passed over when the head is looked at. */
  #unsettled: Proposal[] = [];
  #head = 0;
  #openCount = 0;
  #openBytes = 0;

  constructor(limits: QueueLimits = defaultQueueLimits) {
    this.#limits = limits;
  }

  /** Proposals that are queued or in flight. */
  get openCount(): number {
    return this.#openCount;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Queues a proposal for the next batch. Throws `EtcdError` tooManyRequests when a limit is reached. */
  push(data: Uint8Array, proposal: Proposal): void {
    const { maxProposals, maxBytes } = this.#limits;
    if (this.#openCount >= maxProposals || this.#openBytes + data.length > maxBytes) {
      throw new EtcdError('tooManyRequests');
    }
    this.#openCount++;
    this.#openBytes += data.length;
    this.#waiting.push({ data, context: proposal });
    this.#unsettled.push(proposal);
  }

  /** Everything that waits, for one call to raft; the queue is empty afterwards. */
  take(): QueuedProposal[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  /** An entry of this member's was applied, or is known never to be. */
  closed(data: Uint8Array): void {
    this.#openCount--;
    this.#openBytes -= data.length;
    if (this.#openCount === 0) {
      this.#unsettled.length = 0;
      this.#head = 0;
    }
  }

  /** Fails whatever was proposed before `beforeMs`. Its entry may still be applied later: the outcome is unknown. */
  failOlderThan(beforeMs: number, error: EtcdError): number {
    let failed = 0;
    for (; this.#head < this.#unsettled.length; this.#head++) {
      const proposal = this.#unsettled[this.#head] as Proposal;
      if (proposal.done) continue;
      if (proposal.proposedAtMs >= beforeMs) break;
      proposal.fail(error);
      failed++;
    }
    if (this.#head > 4096 && this.#head * 2 > this.#unsettled.length) {
      this.#unsettled = this.#unsettled.slice(this.#head);
      this.#head = 0;
    }
    return failed;
  }
}
