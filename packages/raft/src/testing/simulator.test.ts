import { describe, expect, it } from 'vitest';
import { Simulator } from './simulator.ts';

/** Rerun one with e.g. `KVORUM_SEED=17 vitest run packages/raft/src/testing`. */
const chosen = process.env.KVORUM_SEED;
const seeds =
  chosen === undefined ? Array.from({ length: 100 }, (_, i) => i + 1) : [Number(chosen)];

describe('a group under faults', () => {
  it('stays safe with every seed, and converges when the faults stop', () => {
    const total = { committed: 0, leaders: 0, reads: 0, crashes: 0 };
    for (const seed of seeds) {
      try {
        const report = new Simulator(seed).run(2_000);
        total.committed += report.committed;
        total.leaders += report.leaders;
        total.reads += report.reads;
        total.crashes += report.crashes;
      } catch (error) {
        throw new Error(`seed ${seed} failed`, { cause: error });
      }
    }
    // The faults must not be so heavy that nothing happens.
    const perRun = (count: number): number => count / seeds.length;
    if (chosen === undefined) {
      expect(perRun(total.committed)).toBeGreaterThan(20);
      expect(perRun(total.leaders)).toBeGreaterThan(1.5);
      expect(perRun(total.reads)).toBeGreaterThan(3);
      expect(perRun(total.crashes)).toBeGreaterThan(3);
    }
  });
});
