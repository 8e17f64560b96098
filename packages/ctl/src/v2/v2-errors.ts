import { ExitError } from '../exit-error.ts';

/** What the process's exit code means in v2 mode. */
export const v2ExitCodes = {
  ok: 0,
  badArguments: 1,
  /** The cluster could not be asked which members it has. */
  badConnection: 2,
  /** Credentials, and commands that don't exist. */
  badAuth: 3,
  /** The server refused it, or could not be reached any more. */
  serverError: 4,
  unhealthy: 5,
  /** An argument is missing. */
  missingArgument: 128,
} as const;

/** A call that came to nothing; the text is for people. */
export class V2CallError extends Error {
  override readonly name: string = 'V2CallError';
}

/** A refusal of the keys API, with etcd's code. */
export class KeysError extends V2CallError {
  override readonly name = 'KeysError';

  /** `index`: of the store when it was refused; 0 when it did not get so far. */
  constructor(errorCode: number, reason: string, cause: string, index: number) {
    super(`${errorCode}: ${reason} (${cause}) [${index}]`);
  }
}

/** No endpoint gave an answer that is one. */
export class UnreachableError extends V2CallError {
  override readonly name = 'UnreachableError';
  /** Why, for each endpoint. */
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    const tried = reasons.map((reason, at) => `; error #${at}: ${reason}\n`).join('');
    super(`client: etcd cluster is unavailable or misconfigured${tried}`);
    this.reasons = reasons;
  }
}

/** The time for the whole command is over. */
export class DeadlineError extends V2CallError {
  override readonly name = 'DeadlineError';

  constructor() {
    super('context deadline exceeded');
  }
}

/** Another call was refused; the text is the member's. */
export class RefusedError extends V2CallError {
  override readonly name = 'RefusedError';
}

/** Something answers that is no etcd with the v2 API. */
export class InvalidAnswer extends V2CallError {
  override readonly name = 'InvalidAnswer';

  constructor() {
    super(
      'client: response is invalid json. The endpoint is probably not valid etcd cluster endpoint',
    );
  }
}

/** Ends the command with the text of an error, as etcdctl does whatever --output says. */
export function v2Failure(exitCode: number, error: unknown): Error {
  if (error instanceof UnreachableError) {
    const detail = error.reasons.map((reason, at) => `error #${at}: ${reason}\n`).join('');
    return new PlainExit(exitCode, `Error:  ${error.message}\n${detail}`);
  }
  if (error instanceof V2CallError) {
    return new PlainExit(exitCode, `Error:  ${error.message}`);
  }
  return error as Error;
}

/** An argument that is missing. */
export function missing(what: string): PlainExit {
  return new PlainExit(v2ExitCodes.missingArgument, `Error:  ${what} required`);
}

/** Ends the command; its text goes to stderr as it is. */
export class PlainExit extends ExitError {}
