import { RaftError } from './errors.ts';
import { invariant } from './invariant.ts';
import type { Raft } from './raft.ts';
import { encodeRound, startWaitingReads } from './read-index.ts';
import type { Progress } from './tracker/progress.ts';
import {
  type Entry,
  entrySize,
  type MemberId,
  newMessage,
  noBytes,
  type Snapshot,
} from './types.ts';

/** At the leader: sends every follower what it lacks, or at least the news of what is committed. */
export function broadcastAppend(raft: Raft): void {
  for (const [id, progress] of raft.tracker.progress) {
    if (id === raft.id) continue;
    maybeSendAppend(raft, id, progress, true);
    sendRemaining(raft, id, progress);
  }
}

/** Sends as many append messages as the follower's window takes. */
export function sendRemaining(raft: Raft, to: MemberId, progress: Progress): void {
  while (maybeSendAppend(raft, to, progress, false)) {
    // A probe pauses after one message; a stream stops at the end of the log or of the window.
  }
}

/**
 * Sends one append message, or a snapshot if the follower's next entry is compacted. Returns whether it did:
 * not while the follower is paused, and without entries only if `sendIfEmpty`.
 */
export function maybeSendAppend(
  raft: Raft,
  to: MemberId,
  progress: Progress,
  sendIfEmpty: boolean,
): boolean {
  if (progress.isPaused()) return false;
  const { log } = raft;
  const previous = progress.next - 1;
  if (previous < log.firstIndex - 1) return maybeSendSnapshot(raft, to, progress);
  const windowFull = progress.state === 'replicate' && progress.inflights.full;
  const entries = windowFull ? [] : log.entriesFrom(progress.next, raft.config.maxSizePerMessage);
  if (entries.length === 0 && !sendIfEmpty) return false;
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += entrySize(entries[i] as Entry);
  const message = newMessage('MsgApp', to);
  message.index = previous;
  message.logTerm = log.termAt(previous);
  message.entries = entries;
  message.commit = log.committed;
  progress.sent(entries.length, bytes);
  raft.send(message);
  return true;
}

function maybeSendSnapshot(raft: Raft, to: MemberId, progress: Progress): boolean {
  // A snapshot is large: not for someone who seems to be away.
  if (!progress.recentActive) return false;
  let snapshot: Snapshot;
  try {
    snapshot = raft.log.snapshot();
  } catch (error) {
    if (error instanceof RaftError && error.code === 'snapshotUnavailable') return false;
    throw error;
  }
  invariant(snapshot.metadata.index > 0, 'the log is compacted but storage has no snapshot');
  const message = newMessage('MsgSnap', to);
  message.snapshot = snapshot;
  progress.becomeSnapshot(snapshot.metadata.index);
  raft.logger?.info('sending a snapshot', { to, index: snapshot.metadata.index });
  raft.send(message);
  return true;
}

/** At the leader: tells everybody that it is there, and carries the newest round of read confirmations. */
export function broadcastHeartbeat(raft: Raft): void {
  const asks = raft.reads.pending.length > 0 || raft.config.readOnlyMode === 'leaseBased';
  const context = asks ? encodeRound(raft.reads.round) : noBytes;
  for (const [id, progress] of raft.tracker.progress) {
    if (id === raft.id) continue;
    const message = newMessage('MsgHeartbeat', id);
    // Not beyond what the follower is known to have: it could not tell which entries are meant.
    message.commit = Math.min(progress.match, raft.log.committed);
    message.context = context;
    raft.send(message);
  }
}

/**
 * At the leader: raises the commit index to what a quorum has. Only an entry of the current term is counted; what
 * precedes it is committed with it, and never by counting (Raft dissertation §3.6.2, figure 3.7).
 */
export function maybeCommit(raft: Raft): boolean {
  const index = Math.min(raft.tracker.quorumMatch(), raft.log.lastIndex);
  if (index <= raft.log.committed || raft.log.termAt(index) !== raft.term) return false;
  raft.log.commitTo(index);
  startWaitingReads(raft);
  return true;
}

/** At the leader: what its own storage holds now counts as its acknowledgement. */
export function acknowledgeOwnAppend(raft: Raft): void {
  const own = raft.tracker.progress.get(raft.id);
  if (own === undefined || !own.maybeUpdate(raft.log.durableIndex)) return;
  if (maybeCommit(raft)) broadcastAppend(raft);
}
