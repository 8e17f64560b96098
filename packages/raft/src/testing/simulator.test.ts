import { describe, expect, it } from 'vitest';
import { failedSeeds, simulate } from './simulator.ts';

// `pnpm sim --raft --seed 17` runs one seed and tells all about it, `pnpm sim --raft --seeds 1-10000` runs many.
const steps = 20_000;
const seeds = Array.from({ length: 200 }, (_, i) => i + 1);

describe('a group under faults', () => {
  it('stays safe with every seed, and converges when the faults stop', () => {
    const total = { committed: 0, leaders: 0, reads: 0, crashes: 0 };
    for (const seed of [...failedSeeds, ...seeds]) {
      const report = simulate(seed, steps);
      expect(report).toMatchObject({ seed, violation: undefined });
      total.committed += report.committed;
      total.leaders += report.leaders;
      total.reads += report.reads;
      total.crashes += report.crashes;
    }
    // The faults must not be so heavy that nothing happens.
    const perRun = (count: number): number => count / seeds.length;
    expect(perRun(total.committed)).toBeGreaterThan(200);
    expect(perRun(total.leaders)).toBeGreaterThan(10);
    expect(perRun(total.reads)).toBeGreaterThan(80);
    expect(perRun(total.crashes)).toBeGreaterThan(40);
  }, 600_000);

  it('goes the same way with the same seed, whether or not somebody looks on', () => {
    const lines: string[] = [];
    const watched = simulate(7, 3_000, (line) => lines.push(line));
    expect(watched).toEqual(simulate(7, 3_000));
    expect(lines.length).toBeGreaterThan(2_000);
    expect(simulate(8, 3_000).trace).not.toBe(watched.trace);
  });
});
