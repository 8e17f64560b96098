/**
 * The time format of etcd's logs: UTC with six decimals. `nowMs` is milliseconds since 1970; what the clock does not
 * know (microseconds, mostly) shows as zeros.
 */
export function formatTimestamp(nowMs: number): string {
  const wholeMs = Math.floor(nowMs);
  const micros = Math.floor((nowMs - wholeMs) * 1000);
  const iso = new Date(wholeMs).toISOString();
  return `${iso.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** A field as JSON can carry it: errors by message, bigints as decimal text; plain objects and arrays inside out. */
export function loggable(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (value instanceof Error) {
    return value.message;
  }
  if (Array.isArray(value)) {
    return value.map(loggable);
  }
  if (typeof value === 'object' && value !== null && isPlain(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, loggable(item)]));
  }
  return value;
}

/** Turns a JSON line into the console format: time, level, caller and message with tabs, then the fields as JSON. */
export function toConsoleLine(jsonLine: string): string {
  const { level, ts, caller, msg, ...fields } = JSON.parse(jsonLine) as Record<string, unknown>;
  const columns = [ts, level, caller, msg].filter((column) => column !== undefined);
  const rest = Object.keys(fields).length === 0 ? [] : [JSON.stringify(fields)];
  return `${[...columns, ...rest].join('\t')}\n`;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
