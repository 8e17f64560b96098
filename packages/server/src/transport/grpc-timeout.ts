const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Timers of Node hold no longer delay: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The value of a grpc-timeout header in milliseconds, such as `100m`; undefined when it isn't one. */
export function parseTimeout(value: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(value);
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) return undefined;
  return Math.min(Number(match[1]) * unit, LONGEST_TIMER_MS);
}
