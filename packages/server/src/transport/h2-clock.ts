import type { Clock as H2Clock } from '@kvorum/h2';
import type { Clock } from '../clock.ts';

/** The member's clock in the shape that `@kvorum/h2` asks for. */
export function h2Clock(clock: Clock): H2Clock {
  return {
    now: clock.nowMs,
    setTimer: (delayMs, callback) => clock.after(delayMs, callback),
    clearTimer: (handle) => (handle as () => void)(),
    endOfTurn: clock.endOfTurn,
    nextTurn: clock.nextTurn,
  };
}
