/** The page that a member serves under /metrics. Series with labels other than `le` are added up. */
export class MetricsText {
  readonly #values = new Map<string, number>();
  readonly #buckets = new Map<string, Map<number, number>>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (found === null) continue;
      const [, name = '', labels = '', valueText] = found;
      const value = Number(valueText);
      const bound = /(?:^|,)le="([^"]*)"/.exec(labels)?.[1];
      if (bound === undefined) this.#values.set(name, (this.#values.get(name) ?? 0) + value);
      else
        this.#addBucket(name, bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), value);
    }
  }

  /** A counter or gauge; undefined when the page does not have it. */
  value(name: string): number | undefined {
    return this.#values.get(name);
  }

  /**
   * The upper bound of the bucket that a share of a histogram's observations lies below, in the histogram's unit; undefined
   * while it has none. Infinite for what is beyond its last bound.
   */
  quantile(name: string, share: number): number | undefined {
    const buckets = [...(this.#buckets.get(`${name}_bucket`) ?? [])].sort(([a], [b]) => a - b);
    const total = buckets.at(-1)?.[1] ?? 0;
    if (total === 0) return undefined;
    return buckets.find(([, count]) => count >= share * total)?.[0];
  }

  #addBucket(name: string, bound: number, count: number): void {
    const buckets = this.#buckets.get(name) ?? new Map<number, number>();
    buckets.set(bound, (buckets.get(bound) ?? 0) + count);
    this.#buckets.set(name, buckets);
  }
}
