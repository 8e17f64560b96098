/** Time, as the client sees it. Injected; a pending timer keeps the process alive, as a pending call should. */
export interface Timers {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number;
  /** Calls back once, after `delayMs`; gives back what calls it off. */
  after(delayMs: number, callback: () => void): () => void;
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
