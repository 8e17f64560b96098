// pnpm sim --seed N [--steps S] [--members M]   one run, with all that happens in it
// pnpm sim --seeds A-B [--steps S]              many runs, and what they were worth
// pnpm sim --hours H                            runs with new seeds until the time is over
// pnpm sim --raft …                             the same for raft alone
//
// A run that fails prints the command that repeats it; the exit code is 1 then.

import { parseArgs } from 'node:util';
import { failedSeeds as raftFailedSeeds, simulate as simulateRaft } from '@kvorum/raft/testing';
import { failedSeeds, simulate } from '@kvorum/server/testing';

const DEFAULT_STEPS = 20_000;
const DEFAULT_SEEDS = 200;
const PROGRESS_EVERY_MS = 10_000;

/** What is simulated. */
interface Subject {
  readonly flags: string;
  /** Runs a seed; what went wrong, and figures of the run to add up. */
  run(seed: number, print?: (line: string) => void): Promise<Outcome>;
}

interface Outcome {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    steps: { type: 'string' },
    members: { type: 'string' },
    hours: { type: 'string' },
    raft: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps ?? DEFAULT_STEPS);
const members = values.members === undefined ? undefined : Number(values.members);
const flags = [
  values.raft ? ' --raft' : '',
  values.steps === undefined ? '' : ` --steps ${steps}`,
  members === undefined ? '' : ` --members ${members}`,
].join('');

const wholeMembers: Subject = {
  flags,
  async run(seed, print) {
    const report = await simulate({
      seed,
      steps,
      ...(members === undefined ? {} : { members }),
      ...(print === undefined ? {} : { print }),
    });
    const { violations, traceHash, seed: _, ...figures } = report;
    print?.(`trace ${traceHash}`);
    return { violations, figures };
  },
};

const raftAlone: Subject = {
  flags,
  async run(seed, print) {
    const { violation, trace, seed: _, ...figures } = simulateRaft(seed, steps, print);
    print?.(`trace ${trace}`);
    return { violations: violation === undefined ? [] : [violation], figures };
  },
};

/** Runs one seed and says what became of it; true when nothing was wrong. */
async function runOne(subject: Subject, seed: number): Promise<boolean> {
  const { violations, figures } = await subject.run(seed, (line) => console.log(line));
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(12)} ${figure}`);
  for (const violation of violations) console.log(`\nVIOLATION: ${violation}`);
  return violations.length === 0;
}

/** Runs many seeds until there are no more or the time is over; true when nothing was wrong. */
async function runMany(
  subject: Subject,
  seeds: Iterable<number>,
  untilMs: number,
): Promise<boolean> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const total = new Map<string, number>();
  const failed: number[] = [];
  let runs = 0;
  let printedMs = startMs;
  const summary = () => {
    const cpu = process.cpuUsage(startCpu);
    const seconds = ((cpu.user + cpu.system) / 1e6).toFixed(1);
    const figures = [...total].map(([name, sum]) => `${name} ${sum}`).join(', ');
    return `${runs} runs, ${failed.length} failed, ${seconds} s of CPU: ${figures}`;
  };
  for (const seed of seeds) {
    if (performance.now() > untilMs) break;
    const { violations, figures } = await subject.run(seed);
    runs++;
    for (const [name, figure] of Object.entries(figures)) {
      total.set(name, (total.get(name) ?? 0) + figure);
    }
    if (violations.length > 0) {
      failed.push(seed);
      console.log(`seed ${seed} failed: ${violations[0]}`);
      console.log(`  again: pnpm sim --seed ${seed}${subject.flags}`);
    }
    if (performance.now() - printedMs < PROGRESS_EVERY_MS) continue;
    printedMs = performance.now();
    console.log(summary());
  }
  console.log(summary());
  return failed.length === 0;
}

/** Seeds from a random one on, for as long as somebody asks. */
function* freshSeeds(): Generator<number> {
  for (let seed = Math.floor(Math.random() * 1e9); ; seed++) yield seed;
}

function* range(first: number, last: number): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}

async function main(): Promise<boolean> {
  const subject = values.raft ? raftAlone : wholeMembers;
  if (values.seed !== undefined) return await runOne(subject, Number(values.seed));
  if (values.hours !== undefined) {
    const untilMs = performance.now() + Number(values.hours) * 3_600_000;
    return await runMany(subject, freshSeeds(), untilMs);
  }
  const [first = 1, last = first] = (values.seeds ?? `1-${DEFAULT_SEEDS}`).split('-').map(Number);
  const known = values.raft ? raftFailedSeeds : failedSeeds.map(({ seed }) => seed);
  const seeds = new Set([...known, ...range(first, last)]);
  return await runMany(subject, seeds, Number.POSITIVE_INFINITY);
}

if (!(await main())) process.exitCode = 1;
