import { ClientError, type Timers } from '@kvorum/client';

/** Wait between attempts, in ms: the first one, and the longest. */
const firstPauseMs = 50;
const longestPauseMs = 1000;

/**
 * Attempts something that may be done twice until it is answered, however long no server can be reached. Rejects with
 * what no other attempt would change, and with the signal's reason.
 */
export async function persistently<T>(
  attempt: () => Promise<T>,
  timers: Timers,
  signal: AbortSignal,
): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClientError && error.retryable)) throw error;
      await pause(timers, pauseMs, signal);
    }
  }
}

/** Resolves after so many ms, or at once when the signal fires. */
export function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      callOff();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const callOff = timers.after(delayMs, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
