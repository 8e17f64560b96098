import type { Clock } from './clock.ts';

/**
 * The process's own time. The end of a turn is when the running callback, and all promises it has settled,
 * are done.
 */
export const nodeClock: Clock = {
  now: () => performance.now(),
  setTimer: (delayMs, callback) => setTimeout(callback, delayMs).unref(),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
  endOfTurn: (callback) => process.nextTick(callback),
  nextTurn: (callback) => {
    setImmediate(callback);
  },
};
