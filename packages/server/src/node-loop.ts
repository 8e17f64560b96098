import { EtcdError } from '@kvorum/api';
import { type Entry, RaftError, type RawNode, type Ready } from '@kvorum/raft';
import type { Proposal } from './apply/proposal.ts';
import type { Clock } from './clock.ts';
import { ProposalQueue, type QueueLimits } from './proposal-queue.ts';

/** Where the loop makes things durable. Both ways of syncing end the member when they fail. */
export interface LogStorage {
  /** Hands hard state and entries to the log, without waiting for the disk. */
  append(ready: Ready): void;
  /** Returns when everything appended is on disk. */
  syncNow(): void;
  /** Resolves when everything appended before the call is on disk. */
  sync(): Promise<void>;
}

/** Where committed entries go. */
export interface EntrySink {
  /**
   * Applies entries in order, with the index of the last one, in one atomic step, and settles their proposals.
   * Whatever it throws is a bug and ends the member.
   */
  apply(entries: readonly Entry[]): void;
}

/** A read that waits until the member is known to be up to date. Exactly one of its calls is made. */
export interface PendingRead {
  run(): void;
  fail(error: EtcdError): void;
}

export interface NodeLoopOptions {
  readonly node: RawNode;
  readonly log: LogStorage;
  readonly sink: EntrySink;
  /**
   * True when this member can answer a linearizable read by itself: it is the only voter, leads, and has committed an
   * entry of its term. Reads wait until it is.
   */
  readonly canReadLocally: () => boolean;
  /** Called between two batches, when no sync is running: time for upkeep of the log. */
  readonly upkeep: () => void;
  readonly clock: Clock;
  /** How long a request may wait for its quorum before its caller is told that the outcome is unknown. */
  readonly requestTimeoutMs: number;
  readonly queueLimits?: QueueLimits;
  /** Called once, with what broke: a failed sync or a bug. The member must end. */
  readonly onFatal: (error: unknown) => void;
  /** Called when the leader or the role changed. */
  readonly onSoftState?: (ready: Ready) => void;
  readonly onSync?: (durationMs: number) => void;
}

/**
 * When there are fewer entries than this to write and fewer proposals open, the log is synced in place: a sync costs
 * about 110 us, and a trip through the thread pool another 60, which one waiting client feels. With more, the loop is
 * free for requests while the disk works.
 */
const SYNC_IN_PLACE_BELOW = 4;

/**
 * The only place that drives raft: persist, apply, advance, in this order.
 *
 * All that arrives in one turn of the event loop becomes one batch: one call to `propose`, one write and one sync of
 * the log, one write to the store. While the disk syncs one batch, the entries committed before are applied and the
 * next batch gathers.
 */
export class NodeLoop {
  readonly #options: NodeLoopOptions;
  readonly #queue: ProposalQueue;
  #reads: PendingRead[] = [];
  #scheduled = false;
  #syncing = false;
  #syncDone: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: NodeLoopOptions) {
    this.#options = options;
    this.#queue = new ProposalQueue(options.queueLimits);
  }

  /** Proposals that are queued or in flight. */
  get pendingProposals(): number {
    return this.#queue.openCount;
  }

  /**
   * Queues an encoded entry for the next batch; the loop owns `data` from here on. Throws `EtcdError` stopped or
   * tooManyRequests; afterwards the proposal hears of its outcome exactly once.
   */
  propose(data: Uint8Array, proposal: Proposal): void {
    if (this.#stopped) throw new EtcdError('stopped');
    this.#queue.push(data, proposal);
    this.#schedule();
  }

  /** Runs `read` once the store holds everything that was acknowledged before this call. */
  linearizableRead(read: PendingRead): void {
    if (this.#stopped) {
      read.fail(new EtcdError('stopped'));
      return;
    }
    // The only voter needs nobody's word: whatever it acknowledged is applied, since acknowledging comes after applying
    // (Raft dissertation §6.4, with a quorum of one).
    if (this.#options.canReadLocally()) {
      read.run();
      return;
    }
    this.#reads.push(read);
    this.#schedule();
  }

  /** One tick of raft's clock; also watches the request timeout. */
  tick(): void {
    if (this.#stopped) return;
    const { node, clock, requestTimeoutMs } = this.#options;
    node.tick();
    const before = clock.nowMs() - requestTimeoutMs;
    this.#queue.failOlderThan(before, new EtcdError('timeout'));
    this.#schedule();
  }

  /** An entry proposed here was applied: its place in the queue is free. */
  proposalClosed(data: Uint8Array): void {
    this.#queue.closed(data);
  }

  /** Starts the loop after something was done to the node from outside. */
  wake(): void {
    this.#schedule();
  }

  /**
   * Fails what waits; nothing runs afterwards. What is in flight has an unknown outcome. Resolves when no sync is
   * running any more, so that the log may be closed.
   */
  stop(): Promise<void> {
    if (this.#stopped) return this.#syncDone;
    this.#stopped = true;
    const error = new EtcdError('stopped');
    this.#queue.failOlderThan(Number.POSITIVE_INFINITY, error);
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read.fail(error);
    return this.#syncDone;
  }

  #schedule(): void {
    if (this.#scheduled || this.#syncing) return;
    this.#scheduled = true;
    this.#options.clock.nextTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#stopped || this.#syncing) return;
    try {
      this.#run();
    } catch (error) {
      this.#fatal(error);
    }
  };

  #run(): void {
    const { node } = this.#options;
    for (;;) {
      this.#proposeQueued();
      this.#runReads();
      if (!node.hasReady()) {
        this.#options.upkeep();
        return;
      }
      const ready = node.ready();
      if (ready.softState !== undefined) this.#options.onSoftState?.(ready);
      if (this.#process(ready)) return;
    }
  }

  /** Handles one Ready. True means that the disk is at work and the loop goes on when it's done. */
  #process(ready: Ready): boolean {
    const { node, log, sink } = this.#options;
    const { committedEntries } = ready;
    if (ready.hardState !== undefined || ready.entries.length > 0) log.append(ready);
    if (!ready.mustSync) {
      if (committedEntries.length > 0) sink.apply(committedEntries);
      node.advance();
      return false;
    }
    const busiest = Math.max(ready.entries.length, this.#queue.openCount);
    if (busiest < SYNC_IN_PLACE_BELOW) {
      const start = this.#options.clock.nowMs();
      log.syncNow();
      this.#options.onSync?.(this.#options.clock.nowMs() - start);
      if (committedEntries.length > 0) sink.apply(committedEntries);
      node.advance();
      return false;
    }
    this.#syncing = true;
    const start = this.#options.clock.nowMs();
    this.#syncDone = log.sync().then(
      () => this.#synced(start),
      (error: unknown) => this.#fatal(error),
    );
    if (committedEntries.length > 0) sink.apply(committedEntries);
    return true;
  }

  #synced(startMs: number): void {
    if (this.#stopped) return;
    this.#options.onSync?.(this.#options.clock.nowMs() - startMs);
    try {
      this.#options.node.advance();
      this.#syncing = false;
      this.#run();
    } catch (error) {
      this.#fatal(error);
    }
  }

  #proposeQueued(): void {
    if (this.#queue.isEmpty) return;
    const batch = this.#queue.take();
    try {
      this.#options.node.propose(batch);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      for (const { data, context } of batch) {
        this.#queue.closed(data);
        if (!context.done) context.fail(new EtcdError('noLeader'));
      }
    }
  }

  #runReads(): void {
    if (this.#reads.length === 0 || !this.#options.canReadLocally()) return;
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read.run();
  }

  #fatal(error: unknown): void {
    void this.stop();
    this.#options.onFatal(error);
  }
}
