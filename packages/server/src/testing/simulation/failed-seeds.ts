/** A run that failed once, and the bug that it found. */
export interface FailedSeed {
  readonly seed: number;
  readonly found: string;
}

/**
 * Every seed that ever failed. What a seed stands for changes with the simulator, so this list is of little worth for
 * old bugs, each of which has a test of its own; but a seed stays until somebody knows that it found nothing.
 */
export const failedSeeds: readonly FailedSeed[] = [
  {
    seed: 1,
    found: 'a range of the past without some of its keys; a renewal that ended a follower',
  },
  { seed: 5, found: 'a proposal that was applied twice' },
  { seed: 263, found: 'a lease that a deposed leader revoked' },
  { seed: 84, found: 'a sync that began beside the taking over of a state' },
  { seed: 6, found: 'a compaction answered with the revision of a store that had been replaced' },
  { seed: 85, found: 'an answer with the revision of the store before a state was taken over' },
  {
    seed: 60,
    found: 'nothing in members, but that a removed one was waited for that nobody reaches',
  },
  { seed: 69, found: 'nothing in members, but that stores were not looked at once replaced' },
];
