import { expect, it } from 'vitest';
import { chooseSeed } from '../../framework/prng.ts';
import { type ContestReport, type Prize, runContest } from './contest.ts';

/**
 * Tests that of those who contend for something no more act at once than should, while signals are respected. So many
 * runs, or as many as KVORUM_RUNS says; each takes some ten milliseconds, and a minute of virtual time.
 */
export function testContests(prize: Prize, usualRuns: number): void {
  const runs = Number(process.env.KVORUM_RUNS ?? usualRuns);

  it(`while signals are respected no two act that should not, in ${runs} runs with pauses and lost connections`, async () => {
    const first = chooseSeed();
    const total = { deeds: 0, holds: 0, losses: 0, refusedWrites: 0, abandoned: 0 };
    for (let run = 0; run < runs; run++) {
      const seed = (first + run) >>> 0;
      const report: ContestReport = await runContest(prize, seed);
      expect(report.violations, `KVORUM_RUNS=1 KVORUM_SEED=${seed}`).toEqual([]);
      for (const name of ['deeds', 'holds', 'losses', 'refusedWrites', 'abandoned'] as const) {
        total[name] += report[name];
      }
    }
    console.log(`${prize}: ${runs} runs from seed ${first}: ${JSON.stringify(total)}`);
    expect(total.deeds).toBeGreaterThan(10 * runs);
    if (runs < 100) return;
    // Nothing would be shown by runs in which nothing was ever lost.
    expect(total.losses).toBeGreaterThan(runs / 10);
    if (prize !== 'semaphore') expect(total.refusedWrites).toBeGreaterThan(runs / 50);
    expect(total.abandoned).toBeGreaterThan(runs / 10);
  }, 300_000);

  it('it is noticed when they are not', async () => {
    const violations: string[] = [];
    for (let seed = 0; seed < 30; seed++) {
      violations.push(...(await runContest(prize, seed, true)).violations);
    }
    expect(violations.join('\n')).toMatch(/acts with token \d+, after token|acts while/);
    // Guarded writes are safe even so.
    expect(violations.join('\n')).not.toMatch(/a write with token/);
  });
}
