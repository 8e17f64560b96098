import type { Config } from '../config.ts';
import type { Prng } from './prng.ts';

/** How long a tick takes by an undisturbed clock, in units of virtual time. */
export const tickLength = 100;

/** How much faster or slower than that clocks run where leases rely on them, as a share. */
const leaseDrift = 0.03;
/** And where nothing relies on them. */
const freeDrift = 0.6;

/** One group's configuration and what it has to bear, drawn from the seed. */
export interface SimConfig {
  readonly raft: Omit<Config, 'id' | 'storage' | 'applied' | 'random'>;
  readonly voterCount: number;
  /** Whether the group is founded by `bootstrap`, or starts from a stored membership. */
  readonly bootstraps: boolean;
  /** The share of membership changes among the operations of clients. */
  readonly changeShare: number;
  /** The share of faults that are aimed at a moment in which a mistake would show. */
  readonly plotShare: number;
  /**
   * The share of refused appends that tell nothing about where the logs may meet: the leader, as with members of other
   * make, goes back further than it need.
   */
  readonly poorHints: number;
  /** Readys that may wait for the disk at a time, and how long an application takes at most. */
  readonly maxWrites: number;
  readonly maxApplyDelay: number;
  readonly drift: number;
  /** Whether pauses and jumps may bring a clock out of step. */
  readonly clocksJump: boolean;
  /** Time between two operations of clients, two faults, and two changes of the network, at most. */
  readonly maxClientGap: number;
  readonly maxFaultGap: number;
  readonly maxWeatherGap: number;
}

export function randomConfig(random: Prng): SimConfig {
  const checkQuorum = random.chance(0.7);
  const leases = checkQuorum && random.chance(0.5);
  const asyncStorageWrites = random.chance(0.5);
  const maxInflightBytes = random.pick([10_000, Number.POSITIVE_INFINITY]);
  return {
    raft: {
      electionTicks: 5 + random.below(6),
      heartbeatTicks: random.pick([1, 1, 2]),
      maxSizePerMessage: random.pick([0, 60, 10_000]),
      maxInflightMessages: random.pick([1, 3, 256]),
      maxInflightBytes,
      maxUncommittedBytes: random.pick([20, 1_000_000]),
      maxCommittedSizePerReady: random.pick([1, 100, 1_000_000]),
      checkQuorum,
      readOnlyMode: leases ? 'leaseBased' : 'safe',
      preVote: random.chance(0.6),
      disableProposalForwarding: random.chance(0.2),
      asyncStorageWrites,
      verify: random.chance(0.2),
    },
    voterCount: random.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5]),
    bootstraps: random.chance(0.4),
    changeShare: random.pick([0, 0, 0.02, 0.1]),
    plotShare: random.pick([0, 0.1, 0.3]),
    poorHints: random.pick([0, 0.5]),
    maxWrites: asyncStorageWrites ? 1 + random.below(4) : 1,
    maxApplyDelay: random.pick([0, 0, 20, 300, 5_000]),
    drift: leases ? leaseDrift : random.pick([0, leaseDrift, freeDrift]),
    clocksJump: !leases,
    maxClientGap: random.pick([100, 300, 1_000]),
    maxFaultGap: random.pick([500, 1_500, 5_000]),
    maxWeatherGap: random.pick([2_000, 4_000, 8_000]),
  };
}
