/**
 * Why a call did not do what was asked. None of these changed the node.
 *
 * - `proposalDropped`: not appended, and not forwarded either; repeating it later is safe.
 * - `config`: the `Config` or an argument contradicts itself or the stored state.
 * - `confChange`: the committed membership change is not possible from the current membership.
 * - `compacted`: the log no longer reaches back to that index; a snapshot stands for it.
 * - `unavailable`: the log does not reach that index yet.
 * - `snapshotOutOfDate`: the storage already holds this snapshot or a newer one.
 * - `snapshotUnavailable`: `Storage.snapshot` has none at hand just now; raft asks again later.
 * - `stepLocal`: a message of a type that never travels.
 * - `stepMisaddressed`: a message for another member.
 * - `stepPeerNotFound`: an answer from a member that the current membership does not contain.
 */
export type RaftErrorCode =
  | 'proposalDropped'
  | 'config'
  | 'confChange'
  | 'compacted'
  | 'unavailable'
  | 'snapshotOutOfDate'
  | 'snapshotUnavailable'
  | 'stepLocal'
  | 'stepMisaddressed'
  | 'stepPeerNotFound';

/** The one error class of this package. Switch on `code`; the text is for people. */
export class RaftError extends Error {
  override readonly name = 'RaftError';
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, text: string) {
    super(text);
    this.code = code;
  }
}
