/**
 * What went wrong, for callers to switch on:
 * - `aborted`: the caller's signal fired while it waited; `cause` is its reason;
 * - `sessionLost`: the session's lease is lost, or may be before the server knows; `cause` says why;
 * - `released`: it was given up here;
 * - `evicted`: somebody else has deleted the key that it depends on;
 * - `barrierHeld`: the barrier is there already; `barrierFull`: more wanted to enter than it is for;
 * - `noInstance`: no healthy instance of a service is known;
 * - `conflict`: others changed what was read, again and again;
 * - `configuration`: arguments that cannot work.
 */
export type RecipeErrorCode =
  | 'aborted'
  | 'sessionLost'
  | 'released'
  | 'evicted'
  | 'barrierHeld'
  | 'barrierFull'
  | 'noInstance'
  | 'conflict'
  | 'configuration';

/** The error class of this package. Switch on `code`, never on the text. What the client throws is a `ClientError`. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
  readonly code: RecipeErrorCode;

  constructor(code: RecipeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** For one whose own signal has fired while it waited. */
export function abortedError(what: string, signal: AbortSignal): RecipeError {
  return new RecipeError('aborted', `${what} was aborted`, signal.reason);
}
