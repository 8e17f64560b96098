import { ExitError, exitCodes } from '../../exit-error.ts';
import { booleanFlag, stringFlag } from '../../flags/flag.ts';

/** How much a check writes, under a name of --load. */
export interface Workload {
  /** Writers at a time, each with a client of its own. */
  readonly clientCount: number;
  /** What `check perf` tries to reach. */
  readonly writesPerSecond: number;
  /** What `check datascale` writes in all. */
  readonly keyCount: number;
}

const small = { clientCount: 50, writesPerSecond: 150, keyCount: 10_000 };
const medium = { clientCount: 200, writesPerSecond: 1_000, keyCount: 100_000 };
const large = { clientCount: 500, writesPerSecond: 8_000, keyCount: 1_000_000 };
const xLarge = { clientCount: 1_000, writesPerSecond: 15_000, keyCount: 3_000_000 };

const workloads = new Map<string, Workload>([
  ['s', small],
  ['small', small],
  ['m', medium],
  ['medium', medium],
  ['l', large],
  ['large', large],
  ['xl', xLarge],
  ['xLarge', xLarge],
]);

/** The workload of --load. Throws `ExitError`. */
export function workloadOf(name: string): Workload {
  const workload = workloads.get(name);
  if (workload === undefined) {
    throw new ExitError(exitCodes.badFeature, `unknown load option ${name}`);
  }
  return workload;
}

/** The flags of a check, which writes under a prefix of its own unless --prefix says otherwise. */
export function checkFlags(name: string) {
  return {
    'auto-compact': booleanFlag('Compact storage with last revision after test is finished.'),
    'auto-defrag': booleanFlag('Defragment storage after test is finished.'),
    load: stringFlag(
      `The ${name} check's workload model. Accepted workloads: s(small), m(medium), l(large), xl(xLarge)`,
      's',
    ),
    prefix: stringFlag(
      `The prefix for writing the ${name} check's keys.`,
      `/etcdctl-check-${name === 'performance' ? 'perf' : name}/`,
    ),
  };
}
