import type { Latencies } from './latencies.ts';

/** The share of the wanted throughput that must be passed. */
const leastShare = 0.9;
const slowestLimitMs = 500;
const deviationLimitMs = 100;

/** The lines of `check perf`, and whether all is well. */
export interface Verdict {
  readonly hasPassed: boolean;
  readonly lines: readonly string[];
}

/** Judges the writes of `check perf`. */
export function perfVerdict(
  latencies: Latencies,
  elapsedMs: number,
  wantedPerSecond: number,
): Verdict {
  const failed = failureLines(latencies);
  const { count, slowestMs, deviationMs } = latencies;
  const perSecond = elapsedMs > 0 ? (count * 1000) / elapsedMs : 0;
  const shown = Math.round(perSecond);
  const isFast = perSecond > wantedPerSecond * leastShare;
  const isPrompt = slowestMs <= slowestLimitMs;
  const isSteady = deviationMs <= deviationLimitMs;
  const hasPassed = failed.length === 0 && isFast && isPrompt && isSteady;
  const lines = [
    ...failed,
    isFast
      ? `PASS: Throughput is ${shown} writes/s`
      : `FAIL: Throughput too low: ${shown} writes/s`,
    isPrompt
      ? `PASS: Slowest request took ${seconds(slowestMs)}`
      : `Slowest request took too long: ${seconds(slowestMs)}`,
    isSteady
      ? `PASS: Stddev is ${seconds(deviationMs)}`
      : `Stddev too high: ${seconds(deviationMs)}`,
    hasPassed ? 'PASS' : 'FAIL',
  ];
  return { hasPassed, lines };
}

/** What went wrong how often; nothing where nothing did. */
export function failureLines({ failures }: Latencies): readonly string[] {
  if (failures.size === 0) return [];
  const kinds = [...failures].map(([reason, count]) => `FAIL: ERROR(${reason}) -> ${count}`);
  return ['FAIL: too many errors', ...kinds];
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(6)}s`;
}
