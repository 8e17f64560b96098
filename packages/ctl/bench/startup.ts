// node packages/ctl/bench/startup.ts [runs]: how long `kvctl version` takes, from the built bundle, beside Node itself doing
// nothing. The two take turns, so that other work on the machine meets both.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const bundle = join(import.meta.dirname, '../dist/kvctl.cjs');
const runCount = Number(process.argv[2] ?? 20);

function wallMs(...args: string[]): number {
  const startMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}; is it built?`);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const bareMs: number[] = [];
const kvctlMs: number[] = [];
for (let run = 0; run < runCount; run += 1) {
  bareMs.push(wallMs('-e', '0'));
  kvctlMs.push(wallMs(bundle, 'version'));
}
const [bare, kvctl] = [median(bareMs), median(kvctlMs)];
const figures = `node -e 0: ${bare.toFixed(1)} ms, kvctl version: ${kvctl.toFixed(1)} ms`;
console.log(`${figures}, ratio ${(kvctl / bare).toFixed(2)} (medians of ${runCount} turns)`);
