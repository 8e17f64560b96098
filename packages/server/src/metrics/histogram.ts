/**
 * A histogram cheap enough for the hot path: one typed array of counts, no labels, no allocation per observation.
 * Buckets are `start * factor^i` for i in [0, count), as etcd's are; larger values count in the +Inf bucket only.
 */
export class Histogram {
  /** Upper bounds, ascending, each inclusive. */
  readonly bounds: readonly number[];
  /** Observations per bucket, not cumulative; the last slot is +Inf. */
  readonly counts: Float64Array;
  /** Sum of all observed values, in the metric's unit. */
  sum = 0;
  /** Number of observations. */
  count = 0;

  constructor(start: number, factor: number, count: number) {
    this.bounds = Array.from({ length: count }, (_, i) => start * factor ** i);
    this.counts = new Float64Array(count + 1);
  }

  /** Records one value, in the unit of the metric's name (seconds, mostly). */
  observe(value: number): void {
    const { bounds, counts } = this;
    let slot = 0;
    while (slot < bounds.length && value > (bounds[slot] as number)) {
      slot += 1;
    }
    counts[slot] = (counts[slot] as number) + 1;
    this.sum += value;
    this.count += 1;
  }
}
