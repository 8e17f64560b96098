import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { allowances } from './compare.ts';
import { fuzz } from './fuzz-run.ts';

/** Sequences of one test run, in all its parts. */
const total = Number(process.env.KVORUM_H2_FUZZ_RUNS ?? 200_000);
/** Where the seeds begin; KVORUM_H2_FUZZ_SEED plays one sequence again, KVORUM_H2_FUZZ_FROM begins elsewhere. */
const firstSeed = Number(process.env.KVORUM_H2_FUZZ_SEED ?? process.env.KVORUM_H2_FUZZ_FROM ?? 1);
const parts = 2;
const mebibyte = 1024 * 1024;

/** Plays one part of the sequences, prints what came of it, and expects no finding. */
export async function fuzzPart(part: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const count = process.env.KVORUM_H2_FUZZ_SEED === undefined ? Math.ceil(total / parts) : 1;
  const first = firstSeed + part * Math.ceil(total / parts);
  const result = await fuzz(process.env.KVORUM_H2_FUZZ_SEED ? firstSeed : first, count, collect);
  const used = [...result.allowed].map(([name, times]) => `${times} ${name} (${allowances[name]})`);
  console.info(
    `fuzzed ${count} sequences (seeds from ${first}) against node:http2: ${result.identical} identical; allowed:\n  ` +
      used.join('\n  '),
  );
  expect(result.findings).toEqual([]);
  expect(result.heldConnections).toBe(0);
  expect(result.heapGrowthBytes).toBeLessThan(16 * mebibyte);
}
