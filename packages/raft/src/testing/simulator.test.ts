import { describe, expect, it } from 'vitest';
import { simulate } from './simulator.ts';

/*
 * `KVORUM_SEED=17 vitest run packages/raft/src/testing/simulator.test.ts` runs one seed, and `KVORUM_SEEDS=10000` that
 * many.
 */
const { KVORUM_SEED, KVORUM_SEEDS } = process.env;
const steps = 20_000;
const seeds =
  KVORUM_SEED === undefined
    ? Array.from({ length: Number(KVORUM_SEEDS ?? 200) }, (_, i) => i + 1)
    : [Number(KVORUM_SEED)];

/** Seeds that have failed once: three with two memberships at one index, three with floods of messages. */
const onceFailed = [44, 482, 910, 93, 607, 677];

describe('a group under faults', () => {
  it('stays safe with every seed, and converges when the faults stop', () => {
    const total = { committed: 0, leaders: 0, reads: 0, crashes: 0 };
    for (const seed of [...seeds, ...(KVORUM_SEED === undefined ? onceFailed : [])]) {
      const report = simulate(seed, steps);
      expect(report).toMatchObject({ seed, violation: undefined });
      total.committed += report.committed;
      total.leaders += report.leaders;
      total.reads += report.reads;
      total.crashes += report.crashes;
    }
    if (KVORUM_SEED !== undefined) return;
    // The faults must not be so heavy that nothing happens.
    const perRun = (count: number): number => count / seeds.length;
    expect(perRun(total.committed)).toBeGreaterThan(200);
    expect(perRun(total.leaders)).toBeGreaterThan(10);
    expect(perRun(total.reads)).toBeGreaterThan(80);
    expect(perRun(total.crashes)).toBeGreaterThan(40);
  });

  it('goes the same way with the same seed, whether or not somebody looks on', () => {
    const lines: string[] = [];
    const watched = simulate(7, 3_000, (line) => lines.push(line));
    expect(watched).toEqual(simulate(7, 3_000));
    expect(lines.length).toBeGreaterThan(2_000);
    expect(simulate(8, 3_000).trace).not.toBe(watched.trace);
  });
});
