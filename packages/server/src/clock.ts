/** The only way in which the member learns of time and turns of the event loop; injected everywhere. */
export interface Clock {
  /** Monotonic milliseconds, with fractions, from an arbitrary start. */
  nowMs(): number;
  /** Milliseconds since 1970, for ids and time stamps only; may jump. */
  wallMs(): number;
  /** Runs `callback` once, in a later turn of the event loop, after the input that is at hand was read. */
  nextTurn(callback: () => void): void;
  /** Runs `callback` once, before the loop waits for input again. */
  endOfTurn(callback: () => void): void;
  /** Runs `callback` every `intervalMs` until the returned function is called. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Runs `callback` once after `delayMs` unless the returned function is called first. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The real clock of this process. Its timers keep the process alive until they are stopped. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  nextTurn: (callback) => {
    setImmediate(callback);
  },
  endOfTurn: (callback) => process.nextTick(callback),
  every: (intervalMs, callback) => {
    const timer = setInterval(callback, intervalMs);
    return () => clearInterval(timer);
  },
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
