import type { Entry, HardState, Message, ReadState, Snapshot, SoftState } from './types.ts';

/**
 * What a node wants done, to be carried out in this order and then confirmed by `advance()`:
 *
 * 1. persist `snapshot`, `entries` and `hardState`, together, and make them readable through `Storage`;
 *    wait for the disk if `mustSync`. What need not be waited for may be lost in a crash, but not once something
 *    later is on disk, as in any log: the commit index that came before an entry must not be lost with the entry kept;
 * 2. send `messages`; those of which `mustPersistFirst` says false need not wait for step 1, so that a leader's
 *    disk and its followers' disks work at the same time (Raft dissertation §10.2.1);
 * 3. apply `snapshot`, then `committedEntries`, calling `applyConfChange` for each membership change among them.
 *    They were durable before this Ready was made, so this may be done during step 1 as well, but for a `snapshot`.
 *
 * The arrays are the caller's to keep; the entries in them are shared and must not be changed.
 */
export interface Ready {
  /** Present if the leader or the role has changed. */
  readonly softState: SoftState | undefined;
  /** Present if it has changed. */
  readonly hardState: HardState | undefined;
  /** To append to the log, replacing what is stored from the first one's index on. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  /** To apply, in order. Each is handed out once. */
  readonly committedEntries: readonly Entry[];
  /** Replaces the whole log and the application's state. */
  readonly snapshot: Snapshot | undefined;
  /** Reads that may be served once the index they name has been applied. */
  readonly readStates: readonly ReadState[];
  /** Whether `entries` and `hardState` must survive a crash before they are confirmed; a new commit need not. */
  readonly mustSync: boolean;
}

/**
 * Whether a message promises something that is only true once the same Ready's state is on disk: that entries are
 * stored, or that a vote is given (Raft dissertation §3.8).
 */
export function mustPersistFirst(message: Message): boolean {
  switch (message.type) {
    case 'MsgAppResp':
    case 'MsgVote':
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return true;
    default:
      return false;
  }
}
