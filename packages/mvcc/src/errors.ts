/**
 * What may go wrong without a bug:
 *
 * - `compacted`: the revision asked for lies below the compacted one (or, compacting, not above it).
 * - `futureRevision`: the revision asked for does not exist yet.
 * - `corrupt`: stored bytes contradict each other; the database must not be used further.
 * - `engine`: the engine under the store failed, as on a full disk; `cause` has its error.
 * - `locked`: another process has the database open.
 */
export type MvccErrorCode = 'compacted' | 'futureRevision' | 'corrupt' | 'engine' | 'locked';

/** The one error class of this package; switch on `code`, never on the text. */
export class MvccError extends Error {
  override readonly name = 'MvccError';
  readonly code: MvccErrorCode;

  constructor(code: MvccErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
