import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type Deadline, DeadlineWheel } from './deadline-wheel.ts';

function entry(deadlineMs: number, fired: number[]): Deadline {
  return {
    deadlineMs,
    previousDeadline: undefined,
    nextDeadline: undefined,
    hasDeadline: false,
    onDeadline: () => fired.push(deadlineMs),
  };
}

describe('a deadline wheel', () => {
  it('lets every deadline go off once, on time, and none that was removed', () => {
    const deadlines = fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.boolean()));
    fc.assert(
      fc.property(deadlines, fc.nat(10_000), (wanted, startMs) => {
        const clock = new ManualClock();
        clock.advance(startMs);
        const wheel = new DeadlineWheel(clock);
        const fired: number[] = [];
        const entries = wanted.map(([afterMs]) => entry(startMs + afterMs, fired));
        for (const current of entries) wheel.add(current);
        wanted.forEach(([, isRemoved], i) => {
          if (isRemoved) wheel.remove(entries[i] as Deadline);
        });
        const kept = wanted.filter(([, isRemoved]) => !isRemoved);
        for (let passedMs = 0; passedMs <= 41_000; passedMs += 499) {
          const due = kept.filter(([afterMs]) => afterMs <= passedMs);
          const late = due.filter(([afterMs]) => afterMs + 2 <= passedMs);
          expect(fired.length).toBeGreaterThanOrEqual(late.length);
          expect(fired.length).toBeLessThanOrEqual(due.length);
          clock.advance(499);
        }
        const expected = kept.map(([afterMs]) => startMs + afterMs);
        expect(fired.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
        expect(clock.timerCount).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('sets its timer for the next deadline, and not in between', () => {
    const clock = new ManualClock();
    let timers = 0;
    const counting: Clock = {
      now: () => clock.now(),
      setTimer: (delayMs, callback) => {
        timers += 1;
        return clock.setTimer(delayMs, callback);
      },
      clearTimer: (handle) => clock.clearTimer(handle),
      endOfTurn: (callback) => clock.endOfTurn(callback),
      nextTurn: (callback) => clock.nextTurn(callback),
    };
    const wheel = new DeadlineWheel(counting);
    const fired: number[] = [];
    for (const ms of [3000, 1000, 2000]) wheel.add(entry(ms, fired));
    clock.advance(1002);
    expect(fired).toEqual([1000]);
    // A call with the same timeout, every ms, that ends at once.
    for (let i = 0; i < 900; i++) {
      const short = entry(clock.now() + 5000, fired);
      wheel.add(short);
      clock.advance(1);
      wheel.remove(short);
    }
    clock.advance(1100);
    expect(fired).toEqual([1000, 2000, 3000]);
    expect(timers).toBe(4);
  });

  it('goes off late rather than never after a standstill', () => {
    const clock = new ManualClock();
    const wheel = new DeadlineWheel(clock);
    const fired: number[] = [];
    for (const ms of [10, 5000, 9000, 100_000]) wheel.add(entry(ms, fired));
    // One jump, as after the process was stopped.
    clock.jump(50_000);
    clock.advance(20);
    expect(fired.sort((a, b) => a - b)).toEqual([10, 5000, 9000]);
  });
});
