import { Backoff } from '../backoff.ts';
import { ClientError } from '../errors.ts';
import { pause, type Timers } from '../timers.ts';

/**
 * Reads again and again, while the server cannot be reached or compacts faster than it is read. Rejects with any other
 * error, and with the signal's reason.
 */
export async function persistently<T>(
  timers: Timers,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(timers);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClientError)) throw error;
      if (!(error.retryable || error.code === 'compacted')) throw error;
      await pause(timers, backoff.next(), signal);
      signal.throwIfAborted();
    }
  }
}
