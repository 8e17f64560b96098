/**
 * A member's 64-bit identity. Only ever compared: it is a `bigint` because it fills all 64 bits.
 * `noMember` (0n) stands for "nobody".
 */
export type MemberId = bigint;

/** No member: no leader known, no vote given. */
export const noMember: MemberId = 0n;

/** Bytes that say nothing, shared so that messages without a context have the same shape as those with one. */
export const noBytes: Uint8Array = new Uint8Array(0);

/** What an entry's data is. raftpb numbers: normal 0, confChange 1, confChangeV2 2. */
export type EntryType = 'normal' | 'confChange' | 'confChangeV2';

/**
 * One position of the replicated log. Entries are passed by reference from `propose` to `Ready`, `Storage` and
 * messages, and `data` belongs to raft from the proposal on: nobody may change it.
 */
export interface Entry {
  /** The leader's term when it appended the entry; never falls along the log. */
  term: number;
  /** Position in the log, from 1, without gaps. */
  index: number;
  type: EntryType;
  /** Opaque to raft when `type` is "normal"; see `decodeConfChange` otherwise. */
  data: Uint8Array;
  /**
   * The proposer's own bookkeeping, handed back in `Ready.committedEntries` when the very object that was proposed
   * comes by. It is neither sent nor persisted: a codec leaves it out, a transport that passes messages by reference
   * must drop it, and after a restart or a change of leader it is gone. Clear it once applied to free what it holds.
   */
  context?: unknown;
}

/**
 * What a proposal adds to the log: bytes, and optionally the caller's own `context` (see `Entry.context`).
 */
export interface Proposal {
  data: Uint8Array;
  context?: unknown;
}

/** What must be on disk before a promise is given. */
export interface HardState {
  /** The latest term this member has seen. */
  term: number;
  /** Whom it voted for in `term`, or `noMember`. */
  vote: MemberId;
  /** The highest index known to be committed. May be stale on disk: it is recomputed from the leader. */
  commit: number;
}

/** What a member is. Raft dissertation §3.3; "preCandidate" §9.6. */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** What is worth telling the application, and not worth persisting. */
export interface SoftState {
  /** The leader of the current term as far as known, else `noMember`. */
  leader: MemberId;
  role: Role;
}

/**
 * The membership, as stored with snapshots. Each list is sorted and without duplicates.
 * `votersOutgoing` is empty unless a joint change is under way (Raft dissertation §4.3).
 */
export interface ConfState {
  voters: readonly MemberId[];
  learners: readonly MemberId[];
  /** The voters before the joint change; a majority of both sets decides until it is left. */
  votersOutgoing: readonly MemberId[];
  /** Outgoing voters that become learners when the joint change is left. */
  learnersNext: readonly MemberId[];
  /** Whether the leader leaves the joint change by itself once it is applied. */
  autoLeave: boolean;
}

/** What a snapshot stands for; all that raft itself looks at. */
export interface SnapshotMetadata {
  confState: ConfState;
  /** The last index and its term that the snapshot stands for. */
  index: number;
  term: number;
}

/** The application's state after applying everything up to `metadata.index`. `data` is opaque. */
export interface Snapshot {
  metadata: SnapshotMetadata;
  data: Uint8Array;
}

/** raftpb numbers: addNode 0, removeNode 1, updateNode 2 (no effect on raft), addLearnerNode 3. */
export type ConfChangeType = 'addNode' | 'removeNode' | 'updateNode' | 'addLearnerNode';

/** A change of one member; always a simple change. `context` is the application's, and is replicated. */
export interface ConfChange {
  /** A number of the application's own, e.g. to find who waits for it. */
  id: bigint;
  type: ConfChangeType;
  nodeId: MemberId;
  context: Uint8Array;
}

/**
 * How a `ConfChangeV2` is carried out. raftpb numbers: auto 0, jointImplicit 1, jointExplicit 2.
 *
 * - `auto`: simple when it changes at most one voter, else as `jointImplicit`.
 * - `jointImplicit`: through a joint membership that the leader leaves by itself.
 * - `jointExplicit`: through a joint membership left only when an empty `ConfChangeV2` is proposed.
 */
export type ConfChangeTransition = 'auto' | 'jointImplicit' | 'jointExplicit';

/** One step of a `ConfChangeV2`: what becomes of one member. */
export interface ConfChangeSingle {
  type: ConfChangeType;
  nodeId: MemberId;
}

/** Any number of changes in one step. Without changes, and with `auto`, it leaves a joint membership. */
export interface ConfChangeV2 {
  transition: ConfChangeTransition;
  changes: readonly ConfChangeSingle[];
  context: Uint8Array;
}

/** The answer to a `readIndex`: once the application has applied `index`, the read is linearizable. */
export interface ReadState {
  index: number;
  /** The bytes given to `readIndex`. */
  context: Uint8Array;
}

/**
 * The types of raftpb.Message, under their names there. The first five are local events that have calls of their
 * own on `RawNode`; they never travel, and `step` refuses them.
 */
export type MessageType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgUnreachable'
  | 'MsgSnapStatus'
  | 'MsgCheckQuorum'
  | 'MsgProp'
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgSnap'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgTransferLeader'
  | 'MsgTimeoutNow'
  | 'MsgReadIndex'
  | 'MsgReadIndexResp'
  | 'MsgPreVote'
  | 'MsgPreVoteResp';

/** The number of each message type in raftpb, for codecs. */
export const messageTypeNumbers: Readonly<Record<MessageType, number>> = {
  MsgHup: 0,
  MsgBeat: 1,
  MsgProp: 2,
  MsgApp: 3,
  MsgAppResp: 4,
  MsgVote: 5,
  MsgVoteResp: 6,
  MsgSnap: 7,
  MsgHeartbeat: 8,
  MsgHeartbeatResp: 9,
  MsgUnreachable: 10,
  MsgSnapStatus: 11,
  MsgCheckQuorum: 12,
  MsgTransferLeader: 13,
  MsgTimeoutNow: 14,
  MsgReadIndex: 15,
  MsgReadIndexResp: 16,
  MsgPreVote: 17,
  MsgPreVoteResp: 18,
};

/**
 * A message between members. Every field is always there, so that all messages share one hidden class; what a type
 * does not use is zero, empty or `undefined`.
 *
 * | type                  | words of the dissertation      | uses                                              |
 * |-----------------------|--------------------------------|---------------------------------------------------|
 * | MsgApp                | AppendEntries (§3.5)           | index, logTerm (of the entry before), entries, commit |
 * | MsgAppResp            | its result                     | index; when `reject`: rejectHint, logTerm         |
 * | MsgHeartbeat, …Resp   | empty AppendEntries            | commit; context (echoed)                          |
 * | MsgVote, MsgPreVote   | RequestVote (§3.4), PreVote (§9.6) | index, logTerm (of the last entry), context   |
 * | …VoteResp             | its result                     | reject                                            |
 * | both of these         |                                | commit, rejectHint: what is committed, and its term |
 * | MsgSnap               | InstallSnapshot (§5.3)         | snapshot                                          |
 * | MsgProp               | a client's request, forwarded  | entries (term and index unset); term is 0         |
 * | MsgReadIndex          | a read, forwarded (§6.4)       | context; term is 0                                |
 * | MsgReadIndexResp      | its result                     | index, context                                    |
 * | MsgTransferLeader     | leadership transfer (§3.10)    | from: the member that shall lead; term is 0       |
 * | MsgTimeoutNow         | TimeoutNow                     |                                                   |
 */
export interface Message {
  type: MessageType;
  to: MemberId;
  from: MemberId;
  term: number;
  logTerm: number;
  index: number;
  commit: number;
  reject: boolean;
  rejectHint: number;
  entries: readonly Entry[];
  snapshot: Snapshot | undefined;
  context: Uint8Array;
}

const noEntries: readonly Entry[] = Object.freeze([]);

/** A message of that type with every other field unset. Raft fills in `from` and `term` when it sends. */
export function newMessage(type: MessageType, to: MemberId): Message {
  return {
    type,
    to,
    from: noMember,
    term: 0,
    logTerm: 0,
    index: 0,
    commit: 0,
    reject: false,
    rejectHint: 0,
    entries: noEntries,
    snapshot: undefined,
    context: noBytes,
  };
}

/** Bytes an entry is counted with beside its data: term, index, type and lengths on the wire, rounded up. */
export const entryOverheadBytes = 24;

/** What an entry counts against every limit on bytes. */
export function entrySize(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

/**
 * A copy of `entries[from, to)`, cut off before the sizes add up to more than `maxBytes`; but never shorter than one
 * entry, so that an entry above the limit still gets through.
 */
export function sliceWithin(
  entries: readonly Entry[],
  from: number,
  to: number,
  maxBytes: number,
): Entry[] {
  let bytes = 0;
  let end = from;
  while (end < to) {
    bytes += entrySize(entries[end] as Entry);
    if (bytes > maxBytes && end > from) break;
    end++;
  }
  return entries.slice(from, end);
}

/** A membership of nobody. */
export const emptyConfState: ConfState = Object.freeze({
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
});
