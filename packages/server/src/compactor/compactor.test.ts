import { EtcdError } from '@kvorum/api';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { silentLogger } from '../logging/logger.ts';
import { startCompactor } from './compactor.ts';
import { PeriodicPolicy } from './periodic.ts';
import { RevisionPolicy } from './revision.ts';

const MINUTE = 60_000;

describe('the periodic policy', () => {
  it('samples ten times per period and waits for a whole period', () => {
    const policy = new PeriodicPolicy(10 * MINUTE);
    expect(policy.intervalMs).toBe(MINUTE);
    for (let minute = 0; minute < 10; minute++) {
      expect(policy.look(minute * MINUTE, 100 + minute)).toBeUndefined();
    }
    expect(policy.look(10 * MINUTE, 110)).toBe(100);
  });

  it('compacts once per period to what was current a period ago', () => {
    const policy = new PeriodicPolicy(10 * MINUTE);
    const compactions: [number, number][] = [];
    for (let minute = 0; minute <= 40; minute++) {
      const target = policy.look(minute * MINUTE, 100 + minute);
      if (target === undefined) continue;
      compactions.push([minute, target]);
      policy.compacted(target, minute * MINUTE);
    }
    expect(compactions).toEqual([
      [10, 100],
      [20, 110],
      [30, 120],
      [40, 130],
    ]);
  });

  it('looks every six minutes and compacts hourly for longer periods', () => {
    const policy = new PeriodicPolicy(24 * 60 * MINUTE);
    expect(policy.intervalMs).toBe(6 * MINUTE);
  });

  it('does nothing when no revision was made', () => {
    const policy = new PeriodicPolicy(10 * MINUTE);
    const targets = Array.from({ length: 31 }, (_, minute) => {
      const target = policy.look(minute * MINUTE, 7);
      if (target !== undefined) policy.compacted(target, minute * MINUTE);
      return target;
    });
    expect(targets.filter((target) => target !== undefined)).toEqual([7]);
  });

  it('tries again at the next sample after a failure', () => {
    const policy = new PeriodicPolicy(10 * MINUTE);
    for (let minute = 0; minute < 10; minute++) policy.look(minute * MINUTE, 100 + minute);
    expect(policy.look(10 * MINUTE, 110)).toBe(100);
    expect(policy.look(11 * MINUTE, 111)).toBe(101);
  });
});

describe('the revision policy', () => {
  it('keeps the last revisions', () => {
    const policy = new RevisionPolicy(1000);
    expect(policy.look(0, 900)).toBeUndefined();
    expect(policy.look(0, 1500)).toBe(500);
    policy.compacted(500);
    expect(policy.look(0, 1500)).toBeUndefined();
    expect(policy.look(0, 1501)).toBe(501);
  });
});

describe('the compactor', () => {
  it('counts a revision that somebody else compacted as done', async () => {
    const { clock, tick } = manualClock();
    const asked: number[] = [];
    const stop = startCompactor({
      setting: { mode: 'revision', retentionRevisions: 10 },
      clock,
      logger: silentLogger,
      revision: () => 100,
      compact: async (revision) => {
        asked.push(revision);
        throw new EtcdError('compacted');
      },
    });
    await tick();
    await tick();
    stop();
    expect(asked).toEqual([90]);
  });
});

function manualClock(): { clock: Clock; tick: () => Promise<void> } {
  const timers = new Set<() => void>();
  let now = 0;
  const clock: Clock = {
    nowMs: () => now,
    wallMs: () => now,
    nextTurn: (callback) => queueMicrotask(callback),
    endOfTurn: (callback) => queueMicrotask(callback),
    endTurnNow: () => {},
    every: (_intervalMs, callback) => {
      timers.add(callback);
      return () => timers.delete(callback);
    },
    after: () => () => {},
  };
  const tick = async () => {
    now += 300_000;
    for (const timer of timers) timer();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { clock, tick };
}
