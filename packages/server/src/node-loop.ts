import { EtcdError } from '@kvorum/api';
import {
  type ConfChange,
  type Entry,
  type MemberId,
  type Message,
  mustPersistFirst,
  noMember,
  RaftError,
  type RawNode,
  type Ready,
  type Snapshot,
} from '@kvorum/raft';
import type { Proposal } from './apply/proposal.ts';
import type { Clock } from './clock.ts';
import {
  type OpenProposal,
  ProposalQueue,
  type QueueLimits,
  type RequestId,
} from './proposal-queue.ts';
import { type PendingRead, ReadRounds } from './read-rounds.ts';
import { SyncPace } from './sync-pace.ts';

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
  /** The last index that was applied. */
  readonly appliedIndex: number;
  /**
   * Applies entries in order, with the index of the last one, in one atomic step, and settles their proposals.
   * Whatever it throws is a bug and ends the member.
   */
  apply(entries: readonly Entry[]): void;
  /**
   * Replaces everything by what a snapshot stands for, on disk, and then the log's beginning. Nothing else is applied
   * meanwhile.
   */
  install(snapshot: Snapshot): Promise<void>;
}

/** Takes messages to other members; they may be lost, overtaken or, but for proposals (MsgProp), doubled. */
export interface Outbox {
  send(message: Message): void;
}

export interface NodeLoopOptions {
  /** With `asyncStorageWrites`. */
  readonly node: RawNode;
  readonly log: LogStorage;
  readonly sink: EntrySink;
  readonly outbox: Outbox;
  /**
   * True when this member can answer a linearizable read by itself: it is the only voter, leads, and has committed an
   * entry of its term.
   */
  readonly canReadLocally: () => boolean;
  /** True when this member is the only voter. */
  readonly isAlone: () => boolean;
  /** Called between two batches, when no sync is running: time for upkeep of the log. */
  readonly upkeep: () => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** How long a request may wait for its quorum before its caller is told that the outcome is unknown. */
  readonly requestTimeoutMs: number;
  readonly queueLimits?: QueueLimits;
  /** Called once, with what broke: a failed sync or a bug. The member must end. */
  readonly onFatal: (error: unknown) => void;
  /** Called when the leader or the role changed. */
  readonly onSoftState?: (ready: Ready) => void;
  readonly onSync?: (durationMs: number) => void;
  /** A sync that takes longer than `stallMs` is told of, once. */
  readonly stallMs?: number;
  readonly onStall?: () => void;
}

/**
 * When there are fewer entries than this to write and fewer proposals open, the log is synced in place: a sync costs
 * about 110 us, and a trip through the thread pool another 60, which one waiting client feels. With more, the loop is
 * free for requests while the disk works. A leader of others never waits so: its heartbeats must go on. A follower
 * sends none, and waits for a disk that has been quick lately.
 */
const FEW_PROPOSALS = 4;

/** A Ready that raft waits to hear of, and the messages that promise what is in it. */
interface Handout {
  readonly ready: Ready;
  readonly promises: readonly Message[];
  /** Raft was told that it is on disk. */
  isPersisted: boolean;
}

const noMessages: readonly Message[] = [];

/**
 * The only place that drives raft: persist, send, apply, confirm.
 *
 * All that arrives in one turn of the event loop becomes one batch: one call to `propose`, one write and one sync of
 * the log, one write to the store. While the disk syncs one batch, the entries committed before are applied, messages
 * go out that need not wait for it, and the next batch gathers: a slow disk delays no heartbeat.
 */
export class NodeLoop {
  readonly #options: NodeLoopOptions;
  readonly #queue: ProposalQueue;
  readonly #reads: ReadRounds;
  readonly #syncPace = new SyncPace();
  /** Taken from raft and not confirmed, oldest first; the first `#written` of them are covered by the running sync. */
  #handouts: Handout[] = [];
  #written = 0;
  #needsSync = false;
  #scheduled = false;
  #syncing = false;
  /** When the running sync began; a stall of it was told of. */
  #syncBeganAtMs = 0;
  #isStallTold = false;
  #installing = false;
  #syncDone: Promise<void> = Promise.resolve();
  #stopped = false;
  #leader: MemberId = noMember;
  #leaderLostAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: NodeLoopOptions) {
    this.#options = options;
    this.#queue = new ProposalQueue(options.queueLimits);
    this.#reads = new ReadRounds((context) => options.node.readIndex(context), options.random);
  }

  /** Proposals that are queued or in flight. */
  get pendingProposals(): number {
    return this.#queue.openCount;
  }

  /**
   * Queues an encoded entry for the next batch; the loop owns `data` from here on. Throws `EtcdError` stopped or
   * tooManyRequests; afterwards the proposal hears of its outcome exactly once.
   */
  propose(data: Uint8Array, proposal: Proposal, id: RequestId): void {
    if (this.#stopped) throw new EtcdError('stopped');
    this.#queue.push(data, proposal, id);
    if (!this.#gathers) this.#schedule();
  }

  /**
   * As `propose`, for what only the leader of this term may decide. Once another member leads it's refused with
   * `EtcdError` leaderChanged rather than forwarded: what it was decided on may be out of date.
   */
  proposeAsLeader(data: Uint8Array, proposal: Proposal, id: RequestId, term: number): void {
    if (this.#stopped) throw new EtcdError('stopped');
    this.#queue.push(data, proposal, id, { onlyInTerm: term });
    if (!this.#gathers) this.#schedule();
  }

  /** Queues a change of the membership; its id is `id`. Otherwise as `propose`. */
  proposeChange(change: ConfChange, proposal: Proposal, id: RequestId): void {
    if (this.#stopped) throw new EtcdError('stopped');
    this.#queue.push(change.context, proposal, id, { change });
    this.#schedule();
  }

  /** Asks the leader to hand over to another voter; whether it does is seen in who leads. */
  transferLeader(to: MemberId): void {
    if (this.#stopped) return;
    this.#options.node.transferLeader(to);
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
    try {
      this.#reads.add(read, this.#options.clock.nowMs());
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      read.fail(error);
      return;
    }
    this.#schedule();
  }

  /** Hands in a message of another member. Messages that make no sense here are dropped. */
  step(message: Message): void {
    if (this.#stopped) return;
    try {
      this.#options.node.step(message);
    } catch (error) {
      // From a member that isn't one (any more), or a proposal that can't be taken now: its sender will time out.
      if (!(error instanceof RaftError)) {
        this.#fatal(error);
        return;
      }
    }
    this.#schedule();
  }

  /** A message to `id` was probably lost. */
  reportUnreachable(id: MemberId): void {
    if (this.#stopped) return;
    this.#options.node.reportUnreachable(id);
    this.#schedule();
  }

  /** The process of `id` has ended. If it led, another one is elected without waiting for the whole time-out. */
  reportGone(id: MemberId): void {
    if (this.#stopped) return;
    this.#options.node.reportGone(id);
    this.#schedule();
  }

  /** How the sending of a state to `id` has ended. Called for each MsgSnap that went to the outbox. */
  reportSnapshot(id: MemberId, outcome: 'finish' | 'failure'): void {
    if (this.#stopped) return;
    this.#options.node.reportSnapshot(id, outcome);
    this.#schedule();
  }

  /** One tick of raft's clock; also watches the request timeout. */
  tick(): void {
    if (this.#stopped) return;
    const { node, clock, requestTimeoutMs } = this.#options;
    node.tick();
    const nowMs = clock.nowMs();
    const beforeMs = nowMs - requestTimeoutMs;
    this.#queue.failOlderThan(beforeMs, (proposedAtMs) => this.#timeoutOf(proposedAtMs));
    this.#reads.tick(nowMs, beforeMs, new EtcdError('timeout'));
    this.#watchSync(nowMs);
    this.#schedule();
  }

  /** Heartbeats go on while the disk stands still, but nothing is committed: somebody else should lead. */
  #watchSync(nowMs: number): void {
    const { stallMs = Number.POSITIVE_INFINITY, onStall } = this.#options;
    if (!this.#syncing || this.#isStallTold || nowMs - this.#syncBeganAtMs <= stallMs) return;
    this.#isStallTold = true;
    onStall?.();
  }

  /** The proposal of this member with that id, for an entry that came back without its context. */
  findProposal(idHigh: number, idLow: number): OpenProposal | undefined {
    return this.#queue.find(idHigh, idLow);
  }

  /** An entry proposed here was applied: its place in the queue is free. */
  proposalClosed(open: OpenProposal): void {
    this.#queue.close(open);
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
    this.#queue.failOlderThan(Number.POSITIVE_INFINITY, () => error);
    this.#reads.fail(error);
    return this.#syncDone;
  }

  /**
   * The next batch gathers while the disk works on this one. What few callers wait for doesn't: the other members can
   * have it meanwhile.
   */
  get #gathers(): boolean {
    return this.#syncing && this.#queue.openCount >= FEW_PROPOSALS;
  }

  #schedule(): void {
    if (this.#scheduled || this.#installing) return;
    this.#scheduled = true;
    this.#options.clock.nextTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#stopped || this.#installing) return;
    try {
      this.#run();
    } catch (error) {
      this.#fatal(error);
    }
  };

  #run(): void {
    const { node, upkeep } = this.#options;
    while (!this.#stopped && !this.#installing) {
      if (!this.#gathers) this.#proposeQueued();
      this.#askForReads();
      if (!node.hasReady()) {
        if (!this.#syncing) upkeep();
        if (!node.hasReady()) return;
      }
      this.#handle(node.ready());
    }
  }

  #handle(ready: Ready): void {
    const { log, sink } = this.#options;
    if (ready.softState !== undefined) this.#softStateChanged(ready);
    const promises = this.#sendEarly(ready.messages);
    this.#handouts.push({ ready, promises, isPersisted: false });
    if (ready.snapshot !== undefined) {
      this.#install(ready, ready.snapshot);
      return;
    }
    if (ready.hardState !== undefined || ready.entries.length > 0) log.append(ready);
    if (ready.mustSync) this.#needsSync = true;
    if (!this.#syncing) this.#persist();
    // Others wait for what this promises, so it leaves before anything is applied.
    if (!this.#syncing) this.#tellPersisted(this.#handouts.length);
    this.#apply(ready);
    if (ready.committedEntries.length > 0) this.#reads.applied(sink.appliedIndex);
    if (ready.readStates.length > 0) this.#reads.answered(ready.readStates, sink.appliedIndex);
    // What was applied may be confirmed only now, and what needed no disk at once.
    if (!this.#syncing) this.#confirm(this.#handouts.length);
  }

  #apply({ committedEntries }: Ready): void {
    const last = committedEntries.at(-1);
    if (last === undefined) return;
    this.#options.sink.apply(committedEntries);
    this.#queue.appliedIn(last.term);
  }

  /** Makes what was handed out durable: at once when little waits, else in the thread pool. */
  #persist(): void {
    if (!this.#needsSync) return;
    this.#needsSync = false;
    const { log, clock } = this.#options;
    const startMs = clock.nowMs();
    if (this.#mayWaitForDisk()) {
      clock.endTurnNow();
      log.syncNow();
      this.#syncTook(clock.nowMs() - startMs);
      return;
    }
    this.#syncBeganAtMs = startMs;
    this.#isStallTold = false;
    this.#syncing = true;
    this.#written = this.#handouts.length;
    this.#syncDone = log.sync().then(
      () => this.#synced(startMs),
      (error: unknown) => this.#fatal(error),
    );
  }

  #mayWaitForDisk(): boolean {
    const { node, isAlone } = this.#options;
    const entries = this.#handouts.at(-1)?.ready.entries.length ?? 0;
    if (Math.max(entries, this.#queue.openCount) >= FEW_PROPOSALS) return false;
    return isAlone() || (node.role === 'follower' && this.#syncPace.isQuick);
  }

  #syncTook(durationMs: number): void {
    this.#syncPace.took(durationMs);
    this.#options.onSync?.(durationMs);
  }

  #synced(startMs: number): void {
    if (this.#stopped) return;
    this.#syncTook(this.#options.clock.nowMs() - startMs);
    try {
      this.#syncing = false;
      this.#confirm(this.#written);
      // A state that is taken over is synced with all that was appended before it.
      if (this.#installing) return;
      this.#persist();
      if (!this.#syncing) this.#confirm(this.#handouts.length);
      this.#run();
    } catch (error) {
      this.#fatal(error);
    }
  }

  /** Tells raft that the oldest `count` handouts are on disk and applied, and sends what they promise. */
  #confirm(count: number): void {
    this.#tellPersisted(count);
    const { node } = this.#options;
    for (const { ready } of this.#handouts.splice(0, count)) node.applied(ready);
  }

  /** Tells raft that the oldest `count` handouts are on disk, and sends what they promise. */
  #tellPersisted(count: number): void {
    const { node, outbox, clock } = this.#options;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const handout = this.#handouts[i] as Handout;
      if (handout.isPersisted) continue;
      handout.isPersisted = true;
      node.persisted(handout.ready);
      for (const message of handout.promises) outbox.send(message);
      sent += handout.promises.length;
    }
    if (sent > 0) clock.endTurnNow();
  }

  /** Sends what promises nothing about this member's disk, before it works for itself; returns the rest. */
  #sendEarly(messages: readonly Message[]): readonly Message[] {
    if (messages.length === 0) return noMessages;
    const { outbox, clock } = this.#options;
    const promises: Message[] = [];
    for (const message of messages) {
      // Without a term any later leader might take it, too, while the queue counts on this one or none.
      if (message.type === 'MsgProp') message.term = this.#options.node.term;
      if (mustPersistFirst(message)) promises.push(message);
      else outbox.send(message);
    }
    if (promises.length < messages.length) clock.endTurnNow();
    return promises;
  }

  #install(ready: Ready, snapshot: Snapshot): void {
    const { sink, log } = this.#options;
    this.#installing = true;
    const install = async () => {
      // A sync that is running concerns the log that was.
      await this.#syncDone;
      if (this.#stopped) return;
      await sink.install(snapshot);
      if (this.#stopped) return;
      log.append(ready);
      await log.sync();
      if (this.#stopped) return;
      this.#needsSync = false;
      this.#installing = false;
      // It has the outcome of what was proposed before, but tells nobody.
      this.#queue.loseSight();
      this.#apply(ready);
      this.#confirm(this.#handouts.length);
      this.#reads.answered(ready.readStates, sink.appliedIndex);
      this.#run();
    };
    this.#syncDone = install().catch((error: unknown) => this.#fatal(error));
  }

  #proposeQueued(): void {
    const { node } = this.#options;
    // Without a leader they wait: one may be elected before their time is over.
    if (node.leader === noMember) return;
    if (this.#queue.hasChanges) this.#proposeChanges();
    if (this.#queue.isEmpty) return;
    const batch = this.#queue.take(node.term, node.role === 'leader');
    try {
      node.propose(batch);
      if (node.role !== 'leader') this.#queue.expectForeign(batch);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      // The leadership is just being handed over, or too much waits to be committed: the next tick tries again.
      this.#queue.putBack(batch);
    }
  }

  #proposeChanges(): void {
    const { node } = this.#options;
    const refused: OpenProposal[] = [];
    for (const open of this.#queue.takeChanges(node.term)) {
      try {
        node.proposeConfChange(open.change as ConfChange, open);
        if (node.role !== 'leader') this.#queue.expectForeign([open]);
      } catch (error) {
        if (!(error instanceof RaftError)) throw error;
        refused.push(open);
      }
    }
    this.#queue.putBack(refused);
  }

  #askForReads(): void {
    if (this.#options.canReadLocally()) this.#reads.runWaiting();
    else if (this.#reads.wantsRound && this.#options.node.leader !== noMember) {
      this.#reads.begin(this.#options.clock.nowMs());
    }
  }

  /** What became of the request isn't known; that its leader was lost on the way is the likeliest reason. */
  #timeoutOf(proposedAtMs: number): EtcdError {
    const isLeaderLost = this.#leaderLostAtMs >= proposedAtMs;
    return new EtcdError(isLeaderLost ? 'timeoutDueToLeaderFail' : 'timeout');
  }

  #softStateChanged(ready: Ready): void {
    const { onSoftState, clock, node } = this.#options;
    if (node.leader !== this.#leader && this.#leader !== noMember) {
      this.#leaderLostAtMs = clock.nowMs();
    }
    this.#leader = node.leader;
    if (ready.softState?.role !== 'leader') this.#queue.expectAllForeign();
    if (node.leader !== noMember) this.#reads.repeat(clock.nowMs());
    onSoftState?.(ready);
  }

  #fatal(error: unknown): void {
    void this.stop();
    this.#options.onFatal(error);
  }
}
