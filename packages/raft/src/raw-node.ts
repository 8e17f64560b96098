import { applyConfChange, maybeLeaveJoint } from './confchange/apply.ts';
import { encodeConfChange, encodeConfChangeV2 } from './confchange/codec.ts';
import { type Config, fullConfig } from './config.ts';
import { acknowledgeOwnVote, campaign, forgetLeader, isBoundByLease, tick } from './election.ts';
import { RaftError } from './errors.ts';
import { invariant } from './invariant.ts';
import { Raft } from './raft.ts';
import { beginWantedRound, startRead } from './read-index.ts';
import type { Ready } from './ready.ts';
import { acknowledgeOwnAppend } from './replication.ts';
import { type Status, statusOf } from './status.ts';
import { step } from './step.ts';
import { appendProposals } from './step-leader.ts';
import {
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  type MemberId,
  type Message,
  newMessage,
  noMember,
  type Proposal,
  type Role,
} from './types.ts';
import { verifyState } from './verify.ts';

/** What a Ready will have made true once its owner confirms it. */
interface Handout {
  readonly ready: Ready;
  /** The term, and the end of the log, as they are on disk then. */
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The last index that is applied then. */
  readonly applied: number;
  persisted: boolean;
}

/**
 * One member of a Raft group, as a state machine without I/O, clock or randomness of its own. Events go in through
 * the methods; what is to be done comes out of `ready()`. Calls never re-enter and never wait.
 *
 *     node.tick() · node.step(message) · node.propose(batch) …
 *     while (node.hasReady()) {
 *       const ready = node.ready();
 *       // persist, send, apply: see Ready
 *       node.advance();
 *     }
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #asyncWrites: boolean;
  /** What the last Ready told about, to tell only of changes. */
  #term: number;
  #vote: MemberId;
  #commit: number;
  #leader: MemberId;
  #role: Role;
  /** Readys that were taken and not wholly confirmed, oldest first. */
  #handouts: Handout[] = [];

  /**
   * Starts a member from what `config.storage` holds. Throws `RaftError` "config" if the configuration contradicts
   * itself, `InvariantError` if storage does.
   */
  constructor(config: Config) {
    const full = fullConfig(config);
    this.#raft = new Raft(full);
    this.#asyncWrites = full.asyncStorageWrites;
    this.#term = this.#raft.term;
    this.#vote = this.#raft.vote;
    this.#commit = this.#raft.log.committed;
    this.#leader = this.#raft.leader;
    this.#role = this.#raft.role;
    this.#verify();
  }

  /**
   * Founds a group: the log begins with one committed "confChange" entry per founding member, to be applied as any
   * other. All founders call this with the same list; members that join later don't. Throws `RaftError` "config"
   * unless the log is empty.
   */
  bootstrap(members: readonly { id: MemberId; context: Uint8Array }[]): void {
    const raft = this.#raft;
    if (raft.log.lastIndex !== 0 || raft.term !== 0) {
      throw new RaftError('config', 'only an empty log can be bootstrapped');
    }
    if (members.length === 0) throw new RaftError('config', 'no founding members');
    raft.becomeFollower(1, noMember);
    const entries = members.map(({ id, context }, i): Entry => {
      const change: ConfChange = { id: 0n, type: 'addNode', nodeId: id, context };
      const data = encodeConfChange(change);
      return { term: 1, index: i + 1, type: 'confChange', data, context: undefined };
    });
    raft.log.append(entries);
    raft.log.commitTo(entries.length);
    // Effective at once, so that an election is possible; applying the same changes again does nothing.
    for (const { id, context } of members) {
      applyConfChange(raft, { id: 0n, type: 'addNode', nodeId: id, context });
    }
    this.#verify();
  }

  /** Lets one tick pass; the owner decides how long that is, e.g. 100 ms. */
  tick(): void {
    tick(this.#raft);
    maybeLeaveJoint(this.#raft);
    this.#verify();
  }

  /**
   * Handles a message from another member, in any order and as often as it arrives. Its entries and bytes belong to
   * raft from here on. Throws `RaftError` "stepLocal" (a type that never travels), "stepMisaddressed",
   * "stepPeerNotFound" (an answer from no member), or "proposalDropped" for a forwarded proposal.
   */
  step(message: Message): void {
    const { type, from, to } = message;
    if (localTypes.has(type)) throw new RaftError('stepLocal', `${type} never travels`);
    if (to !== this.#raft.id) throw new RaftError('stepMisaddressed', `${type} is for ${to}`);
    if (answerTypes.has(type) && !this.#raft.tracker.progress.has(from)) {
      throw new RaftError('stepPeerNotFound', `${type} from ${from}, which is no member`);
    }
    step(this.#raft, message);
    this.#verify();
  }

  /**
   * Proposes a batch for the log: at the leader appended at once and as a whole, elsewhere forwarded to it. The bytes
   * belong to raft from here on. There is no promise that they will be committed: that is known when they come by in
   * `Ready.committedEntries`. Gather what one turn brings: each call sends messages of its own. Throws `RaftError`
   * "proposalDropped", and then none of the batch was taken.
   */
  propose(batch: readonly (Uint8Array | Proposal)[]): void {
    if (batch.length === 0) return;
    const entries: Entry[] = [];
    for (let i = 0; i < batch.length; i++) {
      const item = batch[i] as Uint8Array | Proposal;
      const isBytes = item instanceof Uint8Array;
      const data = isBytes ? item : item.data;
      const context = isBytes ? undefined : item.context;
      entries.push({ term: 0, index: 0, type: 'normal', data, context });
    }
    this.#proposeEntries(entries);
  }

  /**
   * Proposes a change of the membership. A leader that can't start it now, because another one may be in its log or
   * a joint change is to be left first, appends an empty "normal" entry in its place, with the same `context`.
   * Throws `RaftError` "proposalDropped".
   */
  proposeConfChange(change: ConfChange | ConfChangeV2, context?: unknown): void {
    const entry: Entry =
      'changes' in change
        ? { term: 0, index: 0, type: 'confChangeV2', data: encodeConfChangeV2(change), context }
        : { term: 0, index: 0, type: 'confChange', data: encodeConfChange(change), context };
    this.#proposeEntries([entry]);
  }

  #proposeEntries(entries: Entry[]): void {
    if (this.#raft.role === 'leader') {
      appendProposals(this.#raft, entries);
    } else {
      const message = newMessage('MsgProp', this.#raft.id);
      message.from = this.#raft.id;
      message.entries = entries;
      step(this.#raft, message);
    }
    this.#verify();
  }

  /**
   * Makes a committed membership change effective; to be called for each one in `Ready.committedEntries`, before
   * `advance()` (or `applied()`). Returns the new membership, to be stored with the next snapshot. Throws `RaftError`
   * "confChange" if it is not possible: then it is so at every member, and nothing has changed.
   */
  applyConfChange(change: ConfChange | ConfChangeV2): ConfState {
    const conf = applyConfChange(this.#raft, change);
    this.#verify();
    return conf;
  }

  /**
   * Asks for an index that, once applied, makes a local read linearizable. It comes as a `ReadState` with the same
   * `context`; or not at all when no leader is known or messages are lost: ask again after a while, with a context
   * of its own. Gather reads: one call may serve all that wait. At the leader, reads that come between two Readys
   * are confirmed by one round of heartbeats.
   */
  readIndex(context: Uint8Array): void {
    const raft = this.#raft;
    if (raft.role === 'leader') {
      startRead(raft, raft.id, context);
    } else {
      const message = newMessage('MsgReadIndex', raft.id);
      message.from = raft.id;
      message.context = context;
      step(raft, message);
    }
    this.#verify();
  }

  /**
   * Starts an election without waiting for the timeout. Does nothing at a leader or a member that may not lead; with
   * leases, nor while this member's promise to its leader, not to elect another one so soon, still holds.
   */
  campaign(): void {
    if (!isBoundByLease(this.#raft)) campaign(this.#raft, 'timeout');
    this.#verify();
  }

  /**
   * Asks the leader, here or elsewhere, to hand over to `to` (Raft dissertation §3.10). It drops proposals meanwhile
   * and gives up after `electionTicks`. Nothing happens if `to` is no voter, or no leader is known.
   */
  transferLeader(to: MemberId): void {
    const message = newMessage('MsgTransferLeader', this.#raft.id);
    message.from = to;
    step(this.#raft, message);
    this.#verify();
  }

  /** Says that a message to `id` was probably lost: the leader stops streaming and probes. */
  reportUnreachable(id: MemberId): void {
    const progress = this.#raft.tracker.progress.get(id);
    if (this.#raft.role === 'leader' && progress?.state === 'replicate') progress.becomeProbe();
    this.#verify();
  }

  /**
   * Says that the process of `id` has ended, as far as can be told: nobody listens where it was, say. A follower of
   * `id` then doesn't wait out its election timeout, but no more than a quarter of the shortest one. If `id` lives, the
   * others still follow it and an election comes to nothing, provided that `preVote` and `checkQuorum` are set. Ignored
   * where reads rely on leases.
   */
  reportGone(id: MemberId): void {
    forgetLeader(this.#raft, id);
    this.#verify();
  }

  /**
   * Says how the delivery of a snapshot to `id` ended. Must be called for every MsgSnap that was handed out; the
   * leader sends nothing to `id` until then, or until it answers.
   */
  reportSnapshot(id: MemberId, outcome: 'finish' | 'failure'): void {
    const progress = this.#raft.tracker.progress.get(id);
    if (this.#raft.role === 'leader' && progress?.state === 'snapshot') {
      if (outcome === 'failure') progress.pendingSnapshot = 0;
      progress.becomeProbe();
      // Let its answer, or the next heartbeat's, start the probe: it may still be busy with the snapshot.
      progress.flowPaused = true;
    }
    this.#verify();
  }

  /** Whether `ready()` has something to say. */
  hasReady(): boolean {
    const raft = this.#raft;
    return (
      raft.messages.length > 0 ||
      raft.log.unstable.hasNext() ||
      raft.log.hasNextCommitted() ||
      raft.readStates.length > 0 ||
      raft.reads.wantsRound ||
      this.#hardStateChanged() ||
      this.#softStateChanged()
    );
  }

  /**
   * Takes what is to be done. Unless `asyncStorageWrites` is set, `advance()` must follow before the next one;
   * other calls may come in between.
   */
  ready(): Ready {
    const raft = this.#raft;
    invariant(this.#asyncWrites || this.#handouts.length === 0, 'ready() before advance()');
    beginWantedRound(raft);
    const { log } = raft;
    const entries = log.unstable.nextEntries();
    const snapshot = log.unstable.nextSnapshot();
    const mustSync =
      entries.length > 0 ||
      snapshot !== undefined ||
      raft.term !== this.#term ||
      raft.vote !== this.#vote;
    const ready: Ready = {
      softState: this.#softStateChanged() ? { leader: raft.leader, role: raft.role } : undefined,
      hardState: this.#hardStateChanged()
        ? { term: raft.term, vote: raft.vote, commit: log.committed }
        : undefined,
      entries,
      messages: raft.messages,
      committedEntries: log.nextCommitted(raft.config.maxCommittedSizePerReady),
      snapshot,
      readStates: raft.readStates,
      mustSync,
    };
    this.#accept(ready);
    this.#verify();
    return ready;
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    const { log } = raft;
    this.#term = raft.term;
    this.#vote = raft.vote;
    this.#commit = log.committed;
    this.#leader = raft.leader;
    this.#role = raft.role;
    raft.messages = [];
    raft.readStates = [];
    log.unstable.accept();
    if (ready.snapshot !== undefined) log.applying = ready.snapshot.metadata.index;
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) log.applying = last.index;
    this.#handouts.push({
      ready,
      term: raft.term,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      applied: log.applying,
      persisted: false,
    });
  }

  /** Confirms the last Ready: everything in it is persisted, sent and applied. Not with `asyncStorageWrites`. */
  advance(): void {
    invariant(!this.#asyncWrites, 'advance() with asyncStorageWrites');
    const handout = this.#handouts.shift();
    invariant(handout !== undefined, 'advance() without ready()');
    this.#persisted(handout);
    this.#applied(handout);
    this.#verify();
  }

  /**
   * With `asyncStorageWrites`: confirms that `ready` is on disk and readable through `Storage`. In the order the
   * Readys were taken. Messages that `mustPersistFirst` may be sent from here on.
   */
  persisted(ready: Ready): void {
    invariant(this.#asyncWrites, 'persisted() without asyncStorageWrites');
    const handout = this.#handouts.find((h) => !h.persisted);
    invariant(handout?.ready === ready, 'persisted() out of order');
    this.#persisted(handout);
    this.#verify();
  }

  /**
   * With `asyncStorageWrites`: confirms that the `committedEntries` and the snapshot of `ready` are applied. In the
   * order the Readys were taken, and after `persisted`.
   */
  applied(ready: Ready): void {
    invariant(this.#asyncWrites, 'applied() without asyncStorageWrites');
    const handout = this.#handouts.shift();
    invariant(handout?.ready === ready && handout.persisted, 'applied() out of order');
    this.#applied(handout);
    this.#verify();
  }

  #persisted(handout: Handout): void {
    const raft = this.#raft;
    handout.persisted = true;
    const snapshot = handout.ready.snapshot;
    if (snapshot !== undefined) raft.log.unstable.stableSnapshotTo(snapshot.metadata.index);
    // If the term has changed meanwhile, what was written may have been overwritten and written again since. The
    // Ready that brings the new term to disk tells about the whole log anew.
    if (raft.term !== handout.term) return;
    raft.log.unstable.stableTo(handout.lastIndex, handout.lastTerm);
    if (raft.role === 'candidate') acknowledgeOwnVote(raft);
    else if (raft.role === 'leader') acknowledgeOwnAppend(raft);
  }

  #applied(handout: Handout): void {
    const raft = this.#raft;
    raft.log.appliedTo(handout.applied);
    if (raft.uncommittedBytes > 0) {
      const { committedEntries } = handout.ready;
      let bytes = 0;
      for (let i = 0; i < committedEntries.length; i++) {
        bytes += (committedEntries[i] as Entry).data.length;
      }
      // Entries that an earlier leader appended were never counted.
      raft.uncommittedBytes = Math.max(0, raft.uncommittedBytes - bytes);
    }
    maybeLeaveJoint(raft);
  }

  /** A copy of the current state, made anew with each call. */
  status(): Status {
    return statusOf(this.#raft);
  }

  /** The current term, without the cost of `status()`. */
  get term(): number {
    return this.#raft.term;
  }

  /** The leader of the current term, or `noMember`. */
  get leader(): MemberId {
    return this.#raft.leader;
  }

  /** What the node is at this moment. */
  get role(): Role {
    return this.#raft.role;
  }

  /** The highest index known to be committed. */
  get committed(): number {
    return this.#raft.log.committed;
  }

  #softStateChanged(): boolean {
    return this.#raft.leader !== this.#leader || this.#raft.role !== this.#role;
  }

  #hardStateChanged(): boolean {
    const { term, vote, log } = this.#raft;
    return term !== this.#term || vote !== this.#vote || log.committed !== this.#commit;
  }

  #verify(): void {
    if (this.#raft.config.verify) verifyState(this.#raft);
  }
}

const localTypes: ReadonlySet<string> = new Set([
  'MsgHup',
  'MsgBeat',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
]);

const answerTypes: ReadonlySet<string> = new Set([
  'MsgAppResp',
  'MsgVoteResp',
  'MsgHeartbeatResp',
  'MsgPreVoteResp',
]);
