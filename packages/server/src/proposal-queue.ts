import { EtcdError } from '@kvorum/api';
import type { ConfChange } from '@kvorum/raft';
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

/** What sets a proposal apart from a request that any leader may propose. */
export interface ProposalKind {
  /** Only the leader of this term may propose it. */
  readonly onlyInTerm?: number;
  /** It is this change of the membership. */
  readonly change?: ConfChange;
}

const anyLeaders: ProposalKind = {};

/** A proposal that takes up room in the queue. It is what raft carries as the entry's context. */
export class OpenProposal {
  /** What is replicated. */
  readonly data: Uint8Array;
  readonly proposal: Proposal;
  readonly idHigh: number;
  readonly idLow: number;
  /** In the shape in which raft takes proposals. */
  readonly context: OpenProposal = this;
  /** The change of the membership that it is; undefined for a request. */
  readonly change: ConfChange | undefined;
  /** Only the leader of this term may propose it; 0 for any leader. */
  readonly onlyInTerm: number;
  /**
   * The term in which raft took it: its entry, if it ever gets one, is of that term. 0 while it waits, Infinity when it
   * may have been applied unseen.
   */
  term = 0;
  /** False when its room was given back. */
  isOpen = true;

  constructor(data: Uint8Array, proposal: Proposal, id: RequestId, kind: ProposalKind) {
    this.data = data;
    this.proposal = proposal;
    this.idHigh = id.high;
    this.idLow = id.low;
    this.change = kind.change;
    this.onlyInTerm = kind.onlyInTerm ?? 0;
  }
}

/**
 * The proposals of this member: those that wait for the next batch, and those that raft has but that are not applied
 * yet. The first kind is handed to raft in one call per turn; both are watched for the request timeout.
 */
export class ProposalQueue {
  readonly #limits: QueueLimits;
  #waiting: OpenProposal[] = [];
  /** Changes of the membership that wait. */
  #changes: OpenProposal[] = [];
  /** Whether one of the requests that wait is for one leader only. */
  #hasBound = false;
  #appliedTerm = 0;
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

  /** No request waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  /** Queues a proposal. Throws `EtcdError` tooManyRequests when a limit is reached. */
  push(data: Uint8Array, proposal: Proposal, id: RequestId, kind = anyLeaders): void {
    const { maxProposals, maxBytes } = this.#limits;
    if (this.#openCount >= maxProposals || this.#openBytes + data.length > maxBytes) {
      throw new EtcdError('tooManyRequests');
    }
    this.#openCount++;
    this.#openBytes += data.length;
    const open = new OpenProposal(data, proposal, id, kind);
    this.#unsettled.push(open);
    this.#wait(open);
  }

  #wait(open: OpenProposal): void {
    if (open.change === undefined) this.#waiting.push(open);
    else this.#changes.push(open);
    if (open.onlyInTerm > 0) this.#hasBound = true;
  }

  /**
   * Every request that waits, for one call to raft in this term; none waits afterwards. What another leader was to
   * propose is refused with `EtcdError` leaderChanged: what it was decided on may be out of date.
   */
  take(term: number, isLeader: boolean): OpenProposal[] {
    if (this.#hasBound) {
      this.#refuse(this.#waiting, (open) => !isLeader || open.onlyInTerm !== term);
      this.#waiting = this.#waiting.filter(({ isOpen }) => isOpen);
      this.#hasBound = false;
    }
    const batch = this.#waiting;
    this.#waiting = [];
    for (let i = 0; i < batch.length; i++) (batch[i] as OpenProposal).term = term;
    return batch;
  }

  /** The same for changes of the membership, which raft takes one by one. */
  takeChanges(term: number): OpenProposal[] {
    const changes = this.#changes.filter(({ isOpen }) => isOpen);
    this.#changes = [];
    for (const open of changes) open.term = term;
    return changes;
  }

  /** Takes back what raft doesn't have, before all that came since. */
  putBack(batch: readonly OpenProposal[]): void {
    if (batch.length === 0) return;
    const since = [...this.#changes, ...this.#waiting];
    this.#changes = [];
    this.#waiting = [];
    for (const open of [...batch, ...since]) {
      if (!open.isOpen) continue;
      open.term = 0;
      this.#wait(open);
    }
  }

  /**
   * Everything up to an entry of this term is applied. Terms never fall along the log, and only the leader of its term
   * takes a forwarded proposal: what raft took in an earlier term and isn't applied yet never will be. It waits again,
   * to be proposed to the new leader.
   */
  appliedIn(term: number): void {
    if (term <= this.#appliedTerm) return;
    this.#appliedTerm = term;
    const lost = this.#takenBefore(term);
    this.#refuse(lost, () => true);
    this.putBack(lost);
  }

  /** What raft has may have been applied by now, though nobody saw it: its outcome stays unknown. */
  loseSight(): void {
    for (const open of this.#takenBefore(Number.POSITIVE_INFINITY)) {
      open.term = Number.POSITIVE_INFINITY;
    }
  }

  #takenBefore(term: number): OpenProposal[] {
    const taken: OpenProposal[] = [];
    for (let i = this.#head; i < this.#unsettled.length; i++) {
      const open = this.#unsettled[i] as OpenProposal;
      if (open.isOpen && open.term > 0 && open.term < term) taken.push(open);
    }
    return taken;
  }

  /** Fails those that only one leader may propose, where `isStale`. */
  #refuse(proposals: readonly OpenProposal[], isStale: (open: OpenProposal) => boolean): void {
    for (const open of proposals) {
      if (open.onlyInTerm === 0 || !isStale(open)) continue;
      open.proposal.fail(new EtcdError('leaderChanged'));
      this.close(open);
    }
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
