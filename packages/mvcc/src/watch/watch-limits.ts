/** How work on watchers is cut. Tests make them tiny; nothing that a watcher sees depends on them. */
export interface WatchLimits {
  /** Events of one page. One revision is never cut, so one with more is a page of its own. */
  readonly pageEvents: number;
  /** Bytes of keys and values of one page, with the same exception. */
  readonly pageBytes: number;
  /**
   * Pairs of event and group of watchers that one page may have, in whole revisions. Matching is not interrupted, so
   * this bounds its time; it still lets thousands of overlapping watchers get several events at once.
   */
  readonly pagePairs: number;
  /** Watchers that are moved from one place to another in one step, at about 2 us each. */
  readonly movesPerStep: number;
  /** Sinks that are called between two looks at the clock. */
  readonly callsPerLook: number;
}

/** Large enough to make the cost of a read and of a look at the clock small, small enough for a slice of 2 ms. */
export const DEFAULT_WATCH_LIMITS: WatchLimits = {
  pageEvents: 512,
  pageBytes: 1024 * 1024,
  pagePairs: 50_000,
  movesPerStep: 256,
  callsPerLook: 32,
};
