/** Milliseconds in one unit of `grpc-timeout`. */
const msPerUnit: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/** Milliseconds that a `grpc-timeout` value stands for, or undefined when it is not one. */
export function parseTimeout(value: string): number | undefined {
  const unit = msPerUnit.get(value.slice(-1));
  const digits = value.slice(0, -1);
  if (unit === undefined || !/^[0-9]{1,8}$/.test(digits)) return undefined;
  return Number(digits) * unit;
}

/** What is wrong with a value that is no `grpc-timeout`, as grpc-go says it. */
export function timeoutFault(value: string): string {
  const quoted = JSON.stringify(value);
  if (value.length < 2) return `transport: timeout string is too short: ${quoted}`;
  if (value.length > 9) return `transport: timeout string is too long: ${quoted}`;
  if (!msPerUnit.has(value.slice(-1))) {
    return `transport: timeout unit is not recognized: ${quoted}`;
  }
  return `strconv.ParseInt: parsing ${JSON.stringify(value.slice(0, -1))}: invalid syntax`;
}

/** The `grpc-timeout` value for some milliseconds, in the finest unit that its eight digits hold. */
export function formatTimeout(timeoutMs: number): string {
  const ms = Math.max(timeoutMs, 0);
  const micros = Math.ceil(ms * 1000);
  if (micros < 1e8) return `${micros}u`;
  if (ms < 1e8) return `${Math.ceil(ms)}m`;
  return `${Math.min(Math.ceil(ms / 1000), 99_999_999)}S`;
}
