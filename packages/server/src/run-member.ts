import type { ServerConfig } from './config/server-config.ts';
import type { Logger } from './logging/logger.ts';
import type { Metrics } from './metrics/metrics.ts';

/** A running member, as far as the process that holds it is concerned. */
export interface Member {
  /** Where clients reach it: the addresses really bound, ports filled in. */
  readonly clientUrls: readonly string[];
  /** Resolves, never rejects, when a durable operation failed: what is on disk is in doubt, so the process must end. */
  readonly fatal: Promise<Error>;
  /** Resolves when the cluster has removed this member: it stops by itself. */
  readonly removed: Promise<void>;
  /** Ends calls and listeners in good order and closes the stores; safe to call once. */
  stop(): Promise<void>;
}

/**
 * Brings a member up; rejects when it can't be, with a message for people. That may take as long as it takes for others
 * to come up, so `stop` ends the attempt: it rejects then, with nothing left open.
 */
export type StartMember = (
  config: ServerConfig,
  deps: { readonly logger: Logger; readonly metrics: Metrics; readonly stop?: AbortSignal },
) => Promise<Member>;

/** The process around a member, in the few words `runMember` needs. */
export interface ProcessControl {
  /** Calls back for every SIGINT and SIGTERM, with Go's name of it: `interrupt`, `terminated`. */
  onSignal(callback: (signal: string) => void): void;
  /** Ends the process at once. */
  exitNow(code: number): void;
  /** Clients are served from now on, or soon no more. */
  tell?(state: 'serving' | 'stopping'): void;
}

/** Exit code after a broken invariant (EX_SOFTWARE): going on could damage data. */
export const exitCodeOfBug = 70;

/** The exit code for an error nobody caught or that ended the member: bugs are told apart from failures. */
export function exitCodeOf(error: unknown): number {
  return error instanceof Error && error.name === 'InvariantError' ? exitCodeOfBug : 1;
}

/**
 * Runs one member until a signal asks it to stop or it fails, and resolves with the exit code: 0 after a graceful
 * stop. A signal during start-up ends it; a second signal ends the process at once.
 * Rejects with what `startMember` rejected with.
 */
export async function runMember(
  config: ServerConfig,
  deps: { readonly logger: Logger; readonly metrics: Metrics; readonly startMember: StartMember },
  control: ProcessControl,
): Promise<number> {
  const { logger, metrics, startMember } = deps;
  const signalled = Promise.withResolvers<null>();
  let stopping = false;
  const stop = new AbortController();
  control.onSignal((signal) => {
    if (stopping) {
      logger.warn('received a second signal; exiting at once', { signal });
      control.exitNow(1);
      return;
    }
    stopping = true;
    logger.info('received signal; shutting down', { signal });
    stop.abort();
    signalled.resolve(null);
  });
  let member: Member;
  try {
    member = await startMember(config, { logger, metrics, stop: stop.signal });
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return 0;
    throw error;
  }
  if (!stopping) control.tell?.('serving');
  const removed = member.removed.then(() => null);
  const failure = await Promise.race([signalled.promise, removed, member.fatal]);
  if (failure !== null) {
    // No graceful stop: it would write more to stores that are in doubt.
    logger.error('a durable operation failed; the process ends', {
      error: failure.message,
      stack: failure.stack,
    });
    return exitCodeOf(failure);
  }
  control.tell?.('stopping');
  try {
    await member.stop();
  } catch (error) {
    logger.error('failed to stop in good order', { error });
    return 1;
  }
  return 0;
}
