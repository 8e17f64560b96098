/** Time and chance. Injected; a pending timer keeps the process alive, as a pending call should. */
export interface Timers {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number;
  /** Calls back once, after `delayMs`; gives back what calls it off. */
  after(delayMs: number, callback: () => void): () => void;
  /** As `after`, for a timer that does not keep the process alive. Default: those that could are called off in time. */
  quietly?(delayMs: number, callback: () => void): () => void;
  /** In [0, 1): spreads what many clients would do at the same time. Default: nothing is spread. */
  random?(): number;
}

/** Resolves after so many ms, or at once when the signal fires. */
export function pause(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const finish = () => {
      callOff();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const callOff = timers.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** Timers of Node and browsers hold no longer delay, in ms: 24.8 days. */
const longestDelayMs = 2 ** 31 - 1;

/** Resolves or rejects as the promise does; resolves after so many ms, or when the signal fires, if that is sooner. */
export async function settledWithin(
  timers: Timers,
  promise: Promise<unknown>,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([promise, pause(timers, Math.min(delayMs, longestDelayMs), either)]);
  } finally {
    over.abort();
  }
}
