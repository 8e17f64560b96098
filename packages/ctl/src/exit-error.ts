/** What the process's exit code means, as in etcdctl. */
export const exitCodes = {
  ok: 0,
  /** Anything that has no code of its own; also unknown commands and flags. */
  error: 1,
  /** No client could be made, or it was not let in. */
  badConnection: 2,
  /** Standard input, or what a person typed, cannot be understood. */
  invalidInput: 3,
  /** A value that a flag does not take, or a format that a command does not have. */
  badFeature: 4,
  interrupted: 5,
  io: 6,
  badArguments: 128,
} as const;

/** Ends the command: its text goes to stderr after `Error: `, its code to the shell. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: number;

  /** An empty text prints nothing. */
  constructor(exitCode: number, text: string) {
    super(text);
    this.exitCode = exitCode;
  }
}

/** For arguments that are missing, too many or malformed. */
export function badArguments(text: string): ExitError {
  return new ExitError(exitCodes.badArguments, text);
}
