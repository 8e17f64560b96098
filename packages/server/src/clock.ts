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
  /** Runs at once what `endOfTurn` was given since: answers leave before other work begins. */
  endTurnNow(): void;
  /** Runs `callback` every `intervalMs` until the returned function is called. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Runs `callback` once after `delayMs` unless the returned function is called first. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What is to be done before the loop waits again, in the order in which it came. */
function endOfTurnQueue(schedule: (run: () => void) => void) {
  let waiting: (() => void)[] = [];
  const run = (): void => {
    // What is done at the end may leave something to be done at the very end: messages that were handed to a connection
    // are then written.
    while (waiting.length > 0) {
      const callbacks = waiting;
      waiting = [];
      for (const callback of callbacks) callback();
    }
  };
  const add = (callback: () => void): void => {
    if (waiting.length === 0) schedule(run);
    waiting.push(callback);
  };
  return { add, run };
}

const turnEnd = endOfTurnQueue((run) => process.nextTick(run));

/** The real clock of this process. Its timers keep the process alive until they are stopped. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  nextTurn: (callback) => {
    setImmediate(callback);
  },
  endOfTurn: turnEnd.add,
  endTurnNow: turnEnd.run,
  every: (intervalMs, callback) => {
    const timer = setInterval(callback, intervalMs);
    return () => clearInterval(timer);
  },
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
