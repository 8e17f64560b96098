/** A timer that has been set; opaque to the transport. */
export type TimerHandle = unknown;

/**
 * Time and the loop's turns, as the transport sees them. Injected, so that a simulation can own both.
 * `nodeClock` is the real one.
 */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. May have a fraction. */
  now(): number;
  /** Calls back once, `delayMs` or a little more from now. Must not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): TimerHandle;
  /** Calls off a timer; nothing happens when it has fired. */
  clearTimer(handle: TimerHandle): void;
  /** Calls back after what runs now, before the loop waits for input again. Order is kept. */
  endOfTurn(callback: () => void): void;
  /** Calls back in a later turn, after the input that is at hand was read. Order is kept. */
  nextTurn(callback: () => void): void;
}
