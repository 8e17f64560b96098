import { describe, expect, it } from 'vitest';
import { failedSeeds, type SimulationReport, simulate } from './testing/index.ts';

/** How many seeds, and how many steps each: about half a minute. `pnpm sim --seeds 1-200` runs the same by hand. */
const seedCount = Number(process.env.KVORUM_SIM_SEEDS ?? 200);
const steps = Number(process.env.KVORUM_SIM_STEPS ?? 20_000);

describe('whole members under faults', () => {
  const reports: SimulationReport[] = [];

  it.each(failedSeeds)(
    'keep every promise with seed $seed, which has found: $found',
    async (failed) => {
      const { violations } = await simulate({ ...failed, steps });
      expect(violations).toEqual([]);
    },
  );

  it(`keep every promise with ${seedCount} seeds`, { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= seedCount; seed++) {
      const report = await simulate({ seed, steps });
      const again = `pnpm sim --seed ${seed} --steps ${steps}`;
      expect(report.violations, again).toEqual([]);
      reports.push(report);
    }
  });

  it('meet what they are to be tested with', () => {
    const mean = (of: (report: SimulationReport) => number) =>
      reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
    expect(mean(({ operations }) => operations)).toBeGreaterThan(steps / 100);
    expect(mean(({ unanswered }) => unanswered)).toBeGreaterThan(5);
    expect(mean(({ revisions }) => revisions)).toBeGreaterThan(steps / 200);
    expect(mean(({ watchEvents }) => watchEvents)).toBeGreaterThan(steps / 200);
    expect(mean(({ crashes }) => crashes)).toBeGreaterThan(2);
    expect(mean(({ failedDisks }) => failedDisks)).toBeGreaterThan(0.5);
    expect(mean(({ terms }) => terms)).toBeGreaterThan(2);
    expect(mean(({ changes }) => changes)).toBeGreaterThan(1);
    expect(mean(({ authChanges }) => authChanges)).toBeGreaterThan(2);
    expect(mean(({ moves }) => moves)).toBeGreaterThan(1);
    expect(mean(({ statesSent }) => statesSent)).toBeGreaterThan(0.3);
  });

  it('keep every promise with v2 keys among them', async () => {
    let changes = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { violations, v2Changes } = await simulate({ seed, steps, v2: true });
      expect(violations, `pnpm sim --v2 --seed ${seed}`).toEqual([]);
      changes += v2Changes;
    }
    expect(changes).toBeGreaterThan(100);
  });

  it('do the same when the seed is the same', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const one = await simulate({ seed, steps: 5_000 });
      const other = await simulate({ seed, steps: 5_000 });
      expect(other).toEqual(one);
    }
  });
});
