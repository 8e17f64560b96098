/**
 * A histogram cheap enough for the hot path: one typed array of counts, no labels, no allocation per observation.
 */
export class Histogram {
  /** Upper bounds, ascending, each inclusive; larger values count as +Inf only. */
  readonly bounds: Float64Array;
  /** Observations per bucket, not cumulative; the last slot is +Inf. */
  readonly counts: Float64Array;
  /** Sum of all observed values, in the metric's unit. */
  sum = 0;
  /** Number of observations. */
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Buckets `start * factor^i` for i in [0, count), as most of etcd's are. */
  static exponential(start: number, factor: number, count: number): Histogram {
    return new Histogram(Array.from({ length: count }, (_, i) => start * factor ** i));
  }

  /** Records one value, in the unit of the metric's name (seconds, mostly). */
  observe(value: number): void {
    const { bounds, counts } = this;
    // Most observations are small, so a search from below ends after a few steps.
    let slot = 0;
    while (slot < bounds.length && value > (bounds[slot] as number)) {
      slot += 1;
    }
    counts[slot] = (counts[slot] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}
