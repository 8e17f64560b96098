/** What an honest client saw. Latencies in ms. */
export interface Latencies {
  readonly calls: number;
  /** Calls that failed or did not come back within 5 s. */
  readonly failures: number;
  readonly p50Ms: number;
  /** Over all calls, each from the moment it was due: a client that is held up does not hide it. */
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The same from the moment each was really made, for telling server from client. */
  readonly serviceP99Ms: number;
  /** The median of the p99 of each second: what a single hiccup does not move. */
  readonly p99OfSecondsMs: number;
}

/** One call: when it was due and made, and when it came back, in ms since the beginning. */
export interface TimedCall {
  readonly dueMs: number;
  readonly madeMs: number;
  readonly doneMs: number;
}

/** Sums up a measurement. */
export function latenciesOf(calls: readonly TimedCall[], failures: number): Latencies {
  const fromDue = calls.map((call) => call.doneMs - call.dueMs).sort(ascending);
  const fromMade = calls.map((call) => call.doneMs - call.madeMs).sort(ascending);
  const bySecond = Map.groupBy(calls, (call) => Math.floor(call.dueMs / 1000));
  const p99s = [...bySecond.values()].map((some) =>
    share(some.map((call) => call.doneMs - call.dueMs).sort(ascending), 0.99),
  );
  return {
    calls: calls.length,
    failures,
    p50Ms: share(fromDue, 0.5),
    p99Ms: share(fromDue, 0.99),
    maxMs: fromDue.at(-1) ?? Number.NaN,
    serviceP99Ms: share(fromMade, 0.99),
    p99OfSecondsMs: share(p99s.sort(ascending), 0.5),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** The value below which this share of the sorted values lies. */
function share(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
