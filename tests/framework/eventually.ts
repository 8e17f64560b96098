import { setTimeout as delay } from 'node:timers/promises';

/** How long a condition that should come true soon may take, in milliseconds. */
export const DEADLINE_MS = 10_000;

/** Between two looks at a condition, in milliseconds. */
const POLL_MS = 5;

/**
 * Resolves with the first value of `look` that is neither undefined nor false; looks again and again until then.
 * Rejects with `what` and the last error of `look` when the deadline passes first.
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    let lastError: unknown;
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= end) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: lastError });
    }
    await delay(POLL_MS);
  }
}

/** Resolves as `promise` does, or rejects with `what` when that takes longer than the deadline. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const timer = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: timer.signal }).then(
    () => {
      throw new Error(`not within ${deadlineMs} ms: ${what}`);
    },
    () => promise,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
