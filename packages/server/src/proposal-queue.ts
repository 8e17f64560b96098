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

/** Two halves of 32 bits of a request's id. */
export interface RequestId {
  readonly high: number;
  readonly low: number;
}

/** A proposal that takes up room in the queue. It is what raft carries as the entry's context. */
export class OpenProposal {
  /** What is replicated. */
  readonly data: Uint8Array;
  readonly proposal: Proposal;
  readonly idHigh: number;
  readonly idLow: number;
  /** In the shape in which raft takes proposals. */
  readonly context: OpenProposal = this;
  /** False when its room was given back. */
  isOpen = true;

  constructor(data: Uint8Array, proposal: Proposal, id: RequestId) {
    this.data = data;
    this.proposal = proposal;
    this.idHigh = id.high;
    this.idLow = id.low;
  }
}

/**
 * The proposals of this member: those that wait for the next batch, and those that raft has but that are not applied
 * yet. The first kind is handed to raft in one call per turn; both are watched for the request timeout.
 */
export class ProposalQueue {
  readonly #limits: QueueLimits;
  #waiting: OpenProposal[] = [];
  /** Everything not settled, in the order of arrival; settled ones are passed over when the head is looked at. */
  #unsettled: OpenProposal[] = [];
  #head = 0;
  /** Those whose entries come back from another leader, without their context; by the lower half of the id. */
  readonly #byId = new Map<number, OpenProposal>();
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
  push(data: Uint8Array, proposal: Proposal, id: RequestId): OpenProposal {
    const open = this.watch(data, proposal, id);
    this.#waiting.push(open);
    return open;
  }

  /** Watches a proposal that reaches raft another way. Throws `EtcdError` tooManyRequests. */
  watch(data: Uint8Array, proposal: Proposal, id: RequestId): OpenProposal {
    const { maxProposals, maxBytes } = this.#limits;
    if (this.#openCount >= maxProposals || this.#openBytes + data.length > maxBytes) {
      throw new EtcdError('tooManyRequests');
    }
    this.#openCount++;
    this.#openBytes += data.length;
    const open = new OpenProposal(data, proposal, id);
    this.#unsettled.push(open);
    return open;
  }

  /** Fails one that waits, or that raft has. */
  failOne(open: OpenProposal, error: EtcdError): void {
    if (!open.isOpen) return;
    open.proposal.fail(error);
    this.close(open);
    this.#waiting = this.#waiting.filter(({ isOpen }) => isOpen);
  }

  /** Everything that waits, for one call to raft; the queue is empty afterwards. */
  take(): OpenProposal[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  /** Takes back a batch that raft didn't want now, before all that came since. */
  putBack(batch: readonly OpenProposal[]): void {
    this.#waiting = [...batch.filter(({ isOpen }) => isOpen), ...this.#waiting];
  }

  /** Another member leads: entries proposed here will come back without their context. */
  expectForeign(batch: readonly OpenProposal[]): void {
    for (const open of batch) this.#byId.set(open.idLow, open);
  }

  /** The same for all that raft has of this member's. */
  expectAllForeign(): void {
    for (let i = this.#head; i < this.#unsettled.length; i++) {
      const open = this.#unsettled[i] as OpenProposal;
      if (open.isOpen) this.#byId.set(open.idLow, open);
    }
  }

  /** The proposal of a request id, if it is one of this member's that is open and was expected. */
  find(idHigh: number, idLow: number): OpenProposal | undefined {
    if (this.#byId.size === 0) return undefined;
    const open = this.#byId.get(idLow);
    return open?.idHigh === idHigh ? open : undefined;
  }

  /** Gives back the room of a proposal that was applied, or that nobody waits for any more. */
  close(open: OpenProposal): void {
    if (!open.isOpen) return;
    open.isOpen = false;
    this.#openCount--;
    this.#openBytes -= open.data.length;
    if (this.#byId.size > 0) this.#byId.delete(open.idLow);
    if (this.#openCount === 0) {
      this.#unsettled.length = 0;
      this.#head = 0;
    }
  }

  /**
   * Fails whatever was proposed before `beforeMs` with what `errorFor` says of its time, and gives back its room. Its
   * entry may still be applied later: the outcome is unknown.
   */
  failOlderThan(beforeMs: number, errorFor: (proposedAtMs: number) => EtcdError): number {
    let failed = 0;
    while (this.#head < this.#unsettled.length) {
      const open = this.#unsettled[this.#head] as OpenProposal;
      const { proposal } = open;
      if (!proposal.done) {
        if (proposal.proposedAtMs >= beforeMs) break;
        proposal.fail(errorFor(proposal.proposedAtMs));
        failed++;
      }
      this.#head++;
      this.close(open);
    }
    if (failed > 0) this.#waiting = this.#waiting.filter(({ isOpen }) => isOpen);
    if (this.#head > 4096 && this.#head * 2 > this.#unsettled.length) {
      this.#unsettled = this.#unsettled.slice(this.#head);
      this.#head = 0;
    }
    return failed;
  }
}
