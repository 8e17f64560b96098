import type { FullConfig, Logger } from './config.ts';
import { invariant } from './invariant.ts';
import { RaftLog } from './log.ts';
import { ReadIndexQueue } from './read-index.ts';
import { normalizedConfState } from './tracker/membership.ts';
import { ProgressTracker } from './tracker/tracker.ts';
import {
  type Entry,
  type MemberId,
  type Message,
  noBytes,
  noMember,
  type ReadState,
  type Role,
} from './types.ts';

/**
 * The state of one member, and its changes of role. What a member does with messages and time is in `step*.ts`,
 * `election.ts`, `replication.ts` and `read-index.ts`, as functions of this state.
 */
export class Raft {
  readonly id: MemberId;
  readonly config: FullConfig;
  readonly logger: Logger | undefined;
  readonly log: RaftLog;
  readonly tracker: ProgressTracker;
  readonly reads = new ReadIndexQueue();

  /** Never falls. */
  term = 0;
  /** Whom this member voted for in `term`. */
  vote: MemberId = noMember;
  role: Role = 'follower';
  leader: MemberId = noMember;

  /** Out-tray, emptied by each Ready. */
  messages: Message[] = [];
  readStates: ReadState[] = [];

  /** Ticks since a leader was heard from; at the leader, since its last quorum check. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew with each change of role, in [electionTicks, 2 electionTicks). */
  electionLimit = 0;

  /**
   * Ticks for which votes are refused after a restart. With leases a leader may still count on a promise, not to
   * elect another one so soon, that this member has forgotten.
   */
  quarantineTicks = 0;

  /** At the leader: the member that shall lead next, else `noMember`. */
  transferee: MemberId = noMember;
  /** At the leader: whether it told another member to campaign at once, which ends its lease for good. */
  abdicated = false;
  /** At the leader: no membership change is appended before this index is applied (Raft dissertation §4.1). */
  pendingConfIndex = 0;
  /** At the leader: bytes of data that it has appended and that are not applied. */
  uncommittedBytes = 0;

  constructor(config: FullConfig) {
    this.id = config.id;
    this.config = config;
    this.logger = config.logger;
    const { hardState, confState } = config.storage.initialState();
    this.log = new RaftLog(config.storage, hardState.commit, config.applied);
    this.tracker = new ProgressTracker(config.maxInflightMessages, config.maxInflightBytes);
    this.tracker.setConf(normalizedConfState(confState), this.log.lastIndex + 1);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.becomeFollower(hardState.term, noMember);
    if (config.readOnlyMode === 'leaseBased' && hardState.term > 0) {
      this.quarantineTicks = config.electionTicks;
    }
  }

  /** Puts a message in the out-tray. Proposals and reads that are forwarded carry no term: they hold in any. */
  send(message: Message): void {
    if (message.from === noMember) message.from = this.id;
    const forwarded =
      message.type === 'MsgProp' ||
      message.type === 'MsgReadIndex' ||
      message.type === 'MsgTransferLeader';
    if (!forwarded && message.term === 0) message.term = this.term;
    this.messages.push(message);
  }

  becomeFollower(term: number, leader: MemberId): void {
    this.#reset(term);
    this.leader = leader;
    this.#setRole('follower');
  }

  /** Asks around without changing the term or the vote (Raft dissertation §9.6). */
  becomePreCandidate(): void {
    invariant(this.role !== 'leader', 'a leader does not campaign');
    this.tracker.resetVotes();
    this.leader = noMember;
    this.resetElectionTimer();
    this.#setRole('preCandidate');
  }

  becomeCandidate(): void {
    invariant(this.role !== 'leader', 'a leader does not campaign');
    this.#reset(this.term + 1);
    this.vote = this.id;
    this.#setRole('candidate');
  }

  /** Starts its term with an empty entry, because only entries of its own term can be committed by counting. */
  becomeLeader(): void {
    invariant(this.role === 'candidate', 'only a candidate becomes leader');
    this.#reset(this.term);
    this.leader = this.id;
    const own = this.tracker.progress.get(this.id);
    invariant(own !== undefined, 'a leader is a member');
    own.becomeReplicate();
    own.recentActive = true;
    // Some entry of the tail may be a membership change; checking which costs more than waiting for all of it.
    this.pendingConfIndex = this.log.lastIndex;
    this.#setRole('leader');
    this.appendEntry({ term: 0, index: 0, type: 'normal', data: noBytes, context: undefined });
  }

  /** At the leader: stamps one entry and appends it. */
  appendEntry(entry: Entry): void {
    entry.term = this.term;
    entry.index = this.log.lastIndex + 1;
    this.log.append([entry]);
  }

  #setRole(role: Role): void {
    if (this.role !== role) {
      this.logger?.info(`became ${role}`, { id: this.id, term: this.term, leader: this.leader });
    }
    this.role = role;
  }

  /** What every change of role begins with. */
  #reset(term: number): void {
    invariant(term >= this.term, 'the term fell');
    if (term !== this.term) {
      this.term = term;
      this.vote = noMember;
    }
    this.leader = noMember;
    this.transferee = noMember;
    this.abdicated = false;
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.reads.reset();
    this.tracker.resetVotes();
    this.resetElectionTimer();
    this.heartbeatElapsed = 0;
    const next = this.log.lastIndex + 1;
    for (const [id, old] of this.tracker.progress) {
      const match = id === this.id ? this.log.durableIndex : 0;
      this.tracker.progress.set(id, this.tracker.newProgress(match, next, old.isLearner));
    }
  }

  /** Starts waiting for a leader again, with a fresh random limit (Raft dissertation §3.4). */
  resetElectionTimer(): void {
    const { electionTicks, random } = this.config;
    this.electionElapsed = 0;
    this.electionLimit = electionTicks + Math.floor(random() * electionTicks);
    invariant(
      this.electionLimit >= electionTicks && this.electionLimit < 2 * electionTicks,
      'the random generator left [0, 1)',
    );
  }

  /** Whether this member may campaign: a voter whose log is not about to be replaced by a snapshot. */
  isPromotable(): boolean {
    const own = this.tracker.progress.get(this.id);
    return own !== undefined && !own.isLearner && this.log.unstable.snapshot === undefined;
  }

  /** Whether the commit index is known to be the newest: an entry of this term is committed (§6.4). */
  hasCommittedInTerm(): boolean {
    return this.log.termAt(this.log.committed) === this.term;
  }
}
