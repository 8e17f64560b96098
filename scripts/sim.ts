// Deterministic simulation; `pnpm sim --help` says how.

import { parseArgs } from 'node:util';
import { failedSeeds as raftFailedSeeds, simulate as simulateRaft } from '@kvorum/raft/testing';
import { failedSeeds, simulate } from '@kvorum/server/testing';

const DEFAULT_STEPS = 20_000;
const DEFAULT_SEEDS = '1-200';
const PROGRESS_EVERY_MS = 10_000;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const HELP = `Whole members in one process under virtual time and faults; the seed decides everything.

  pnpm sim                      seeds ${DEFAULT_SEEDS}, and every seed that ever failed
  pnpm sim --seeds A-B          those from A to B
  pnpm sim --seed N             one run, with all that happens in it
  pnpm sim --hours H            every seed that ever failed, then new ones until H hours are over

  --raft        raft alone in place of whole members
  --steps S     things that happen before the faults stop; ${DEFAULT_STEPS} by default
  --members M   members at the beginning; by default the seed decides (not with --raft)
  --v2          v2 keys are changed, too (not with --raft)
  --help        this text

Progress goes to stderr. A run that fails prints the command that repeats it.
Exit codes: 0 all promises were kept, 1 some were not, 2 the command line is wrong.`;

/** Something is wrong with the command line. */
class UsageError extends Error {}

/** What is simulated. */
interface Subject {
  /** Seeds that failed once. */
  readonly failedSeeds: readonly number[];
  /** Runs a seed; what went wrong, and figures of the run to add up. */
  run(seed: number, print?: (line: string) => void): Promise<Outcome>;
}

interface Outcome {
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

interface Options {
  readonly steps: number;
  readonly members: number | undefined;
  readonly raft: boolean;
  readonly v2: boolean;
}

function wholeMembers({ steps, members, v2 }: Options): Subject {
  return {
    failedSeeds: failedSeeds.map(({ seed }) => seed),
    async run(seed, print) {
      const report = await simulate({
        seed,
        steps,
        v2,
        ...(members === undefined ? {} : { members }),
        ...(print === undefined ? {} : { print }),
      });
      const { violations, traceHash, seed: _, ...figures } = report;
      print?.(`trace ${traceHash}`);
      return { violations, figures };
    },
  };
}

function raftAlone({ steps }: Options): Subject {
  return {
    failedSeeds: raftFailedSeeds,
    async run(seed, print) {
      const { violation, trace, seed: _, ...figures } = simulateRaft(seed, steps, print);
      print?.(`trace ${trace}`);
      return { violations: violation === undefined ? [] : [violation], figures };
    },
  };
}

/** The command that runs a seed again. */
function commandFor(seed: number, { steps, members, raft, v2 }: Options): string {
  const flags = [
    raft ? ' --raft' : '',
    v2 ? ' --v2' : '',
    steps === DEFAULT_STEPS ? '' : ` --steps ${steps}`,
    members === undefined ? '' : ` --members ${members}`,
  ];
  return `pnpm sim --seed ${seed}${flags.join('')}`;
}

/** As `run`, but what is thrown is a violation like any other. */
async function runSeed(subject: Subject, seed: number, print?: (line: string) => void) {
  try {
    return await subject.run(seed, print);
  } catch (error) {
    return { violations: [textOf(error)], figures: {} };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Runs one seed and says what became of it; true when nothing was wrong. */
async function runOne(subject: Subject, seed: number): Promise<boolean> {
  const { violations, figures } = await runSeed(subject, seed, (line) => console.log(line));
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(12)} ${figure}`);
  for (const violation of violations) console.log(`\nVIOLATION: ${violation}`);
  return violations.length === 0;
}

/** Runs many seeds, one after the other, and keeps account of them. */
class Soak {
  readonly #subject: Subject;
  readonly #options: Options;
  readonly #totals = new Map<string, number>();
  readonly #failed: number[] = [];
  readonly #startMs = performance.now();
  #runs = 0;
  #isStopped = false;

  constructor(subject: Subject, options: Options) {
    this.#subject = subject;
    this.#options = options;
  }

  /** Ends after the seed that is running. */
  readonly stop = (): void => {
    this.#isStopped = true;
  };

  /** True when nothing was wrong. */
  async run(seeds: Iterable<number>, untilMs: number): Promise<boolean> {
    let printedMs = this.#startMs;
    for (const seed of seeds) {
      if (this.#isStopped || performance.now() > untilMs) break;
      runningSeed = seed;
      await this.#runSeed(seed);
      // Signals are heard between two runs.
      await new Promise((resolve) => setImmediate(resolve));
      if (performance.now() - printedMs < PROGRESS_EVERY_MS) continue;
      printedMs = performance.now();
      console.error(this.#progress(seed));
    }
    this.#printSummary();
    return this.#failed.length === 0;
  }

  async #runSeed(seed: number): Promise<void> {
    const { violations, figures } = await runSeed(this.#subject, seed);
    this.#runs += 1;
    for (const [name, figure] of Object.entries(figures)) {
      this.#totals.set(name, (this.#totals.get(name) ?? 0) + figure);
    }
    if (violations.length === 0) return;
    this.#failed.push(seed);
    console.log(`seed ${seed} failed: ${violations[0]}`);
    console.log(`  again: ${commandFor(seed, this.#options)}`);
  }

  #progress(seed: number): string {
    const seconds = (performance.now() - this.#startMs) / 1000;
    const rate = (this.#runs / seconds).toFixed(1);
    return `${clockTime(seconds)}  ${this.#runs} runs, ${this.#failed.length} failed, ${rate} a second, at seed ${seed}`;
  }

  #printSummary(): void {
    const seconds = (performance.now() - this.#startMs) / 1000;
    console.log(`${this.#runs} runs in ${clockTime(seconds)}, ${this.#failed.length} failed`);
    for (const [name, sum] of this.#totals) {
      const mean = (sum / this.#runs).toFixed(1);
      console.log(`  ${name.padEnd(12)} ${String(sum).padStart(12)}  ${mean.padStart(9)} a run`);
    }
    for (const seed of this.#failed) console.log(`failed: ${commandFor(seed, this.#options)}`);
  }
}

/** Hours, minutes and seconds. */
function clockTime(seconds: number): string {
  const part = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${part(seconds / 3600)}:${part((seconds / 60) % 60)}:${part(seconds % 60)}`;
}

/** Seeds from a random one on, for as long as somebody asks. */
function* freshSeeds(): Generator<number> {
  for (let seed = Math.floor(Math.random() * 1e9); ; seed++) yield seed;
}

function* range(first: number, last: number): Generator<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}

function* oneAfterTheOther(...lists: Iterable<number>[]): Generator<number> {
  for (const list of lists) yield* list;
}

/** A whole number from `least` on; throws `UsageError`. */
function wholeNumber(flag: string, text: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${flag} ${text}: give a whole number from ${least} on`);
}

function hoursOf(text: string): number {
  const hours = Number(text);
  if (hours > 0) return hours;
  throw new UsageError(`--hours ${text}: give a number above 0, such as 0.5`);
}

function seedRange(text: string): [number, number] {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first > last) {
    throw new UsageError(`--seeds ${text}: give the first and the last, such as 1-200`);
  }
  return [first, last];
}

function commandLine() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        steps: { type: 'string' },
        members: { type: 'string' },
        hours: { type: 'string' },
        raft: { type: 'boolean', default: false },
        v2: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The seed that runs now, for what is thrown where nobody waits for it. */
let runningSeed: number | undefined;

async function main(): Promise<boolean> {
  const values = commandLine();
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const ways = [values.seed, values.seeds, values.hours].filter((value) => value !== undefined);
  if (ways.length > 1) throw new UsageError('give one of --seed, --seeds and --hours');
  if (values.raft && (values.members !== undefined || values.v2)) {
    throw new UsageError('--members and --v2 are for whole members, not for --raft');
  }
  const options: Options = {
    steps: wholeNumber('steps', values.steps ?? String(DEFAULT_STEPS), 1),
    members: values.members === undefined ? undefined : wholeNumber('members', values.members, 1),
    raft: values.raft,
    v2: values.v2,
  };
  const subject = values.raft ? raftAlone(options) : wholeMembers(options);
  process.on('uncaughtException', (error) => {
    const again = runningSeed === undefined ? '' : commandFor(runningSeed, options);
    console.log(`VIOLATION: ${textOf(error)}\n  again: ${again}`);
    process.exit(EXIT_FAILED);
  });
  if (values.seed !== undefined) {
    runningSeed = wholeNumber('seed', values.seed, 0);
    return await runOne(subject, runningSeed);
  }
  const soak = new Soak(subject, options);
  process.once('SIGINT', soak.stop);
  process.once('SIGTERM', soak.stop);
  if (values.hours !== undefined) {
    const untilMs = performance.now() + hoursOf(values.hours) * 3_600_000;
    return await soak.run(oneAfterTheOther(subject.failedSeeds, freshSeeds()), untilMs);
  }
  const [first, last] = seedRange(values.seeds ?? DEFAULT_SEEDS);
  const known = values.seeds === undefined ? subject.failedSeeds : [];
  return await soak.run(new Set([...known, ...range(first, last)]), Number.POSITIVE_INFINITY);
}

try {
  if (!(await main())) process.exitCode = EXIT_FAILED;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nTry: pnpm sim --help`);
  process.exitCode = EXIT_USAGE;
}
