/**
 * What went wrong, for callers to switch on.
 *
 * - `broken`: a write or sync failed, now or earlier. What the disk holds is unknown; end the process.
 * - `closed`: the log was closed before the call.
 * - `corrupt`: the files contradict themselves in a way that no crash explains. Nothing was changed.
 * - `exists`: `create` found a log where it was asked to make one.
 * - `io`: the disk refused something that leaves a running log intact (open, list, prepare, release).
 * - `locked`: another process, or another log in this one, owns the folder.
 * - `missing`: there is no log, or its segments begin after the index asked for.
 */
export type WalErrorCode = 'broken' | 'closed' | 'corrupt' | 'exists' | 'io' | 'locked' | 'missing';

/** Where and why; every part is optional. */
export interface WalErrorDetails {
  /** Path of the file concerned. */
  readonly file?: string;
  /** Byte offset in `file` of the first frame that does not read. */
  readonly offset?: number;
  /** The disk's own error. */
  readonly cause?: unknown;
}

/** The only error this package throws for events; bugs throw `InvariantError`. */
export class WalError extends Error {
  override readonly name = 'WalError';
  readonly code: WalErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;

  constructor(code: WalErrorCode, message: string, details: WalErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.file = details.file;
    this.offset = details.offset;
  }
}

/** The text of whatever was thrown, to be quoted in an error of our own. */
export function causeText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
