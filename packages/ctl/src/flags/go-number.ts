/** Reads numbers and durations as Go's strconv and time packages do, with their words for what is wrong. */

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/** Text in double quotes, as in Go's error texts. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A number with an optional sign and prefix (0x, 0o, 0b, 0), underscores between digits; as ParseInt with base 0. */
export function parseInt64(text: string): bigint {
  const value = integerOf(text, 0);
  if (value === undefined) throw syntaxError('ParseInt', text);
  if (value < minInt64 || value > maxInt64) throw rangeError('ParseInt', text);
  return value;
}

/** As ParseInt with base 10, for arguments. */
export function parseDecimalInt64(text: string): bigint {
  const value = integerOf(text, 10);
  if (value === undefined) throw syntaxError('ParseInt', text);
  if (value < minInt64 || value > maxInt64) throw rangeError('ParseInt', text);
  return value;
}

/** As ParseInt with base 16, for lease ids. */
export function parseHexInt64(text: string): bigint {
  const value = integerOf(text, 16);
  if (value === undefined) throw syntaxError('ParseInt', text);
  if (value < minInt64 || value > maxInt64) throw rangeError('ParseInt', text);
  return value;
}

/** As ParseUint with base 16, for member ids: no sign. */
export function parseHexUint64(text: string): bigint {
  const value = /^[+-]/.test(text) ? undefined : integerOf(text, 16);
  if (value === undefined) throw syntaxError('ParseUint', text);
  if (value > maxUint64) throw rangeError('ParseUint', text);
  return value;
}

/** As ParseUint with base 10: no sign. */
export function parseDecimalUint64(text: string): bigint {
  const value = /^[+-]/.test(text) ? undefined : integerOf(text, 10);
  if (value === undefined) throw syntaxError('ParseUint', text);
  if (value > maxUint64) throw rangeError('ParseUint', text);
  return value;
}

/** 1, t, T, TRUE, true, True, and their opposites. */
export function parseBoolean(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw syntaxError('ParseBool', text);
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration such as `1h15m30.5s`. */
export function parseDurationMs(text: string): number {
  const match = /^([+-]?)(.*)$/s.exec(text);
  const body = match?.[2] ?? '';
  const sign = match?.[1] === '-' ? -1 : 1;
  if (body === '0') return 0;
  if (body === '') throw new Error(`time: invalid duration ${quoted(text)}`);
  let totalMs = 0;
  let at = 0;
  const part = /(\d+\.?\d*|\.\d+)([^\d.]*)/y;
  while (at < body.length) {
    part.lastIndex = at;
    const found = part.exec(body);
    if (found === null) throw new Error(`time: invalid duration ${quoted(text)}`);
    const [whole, digits = '', unit = ''] = found;
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted(text)}`);
    const factor = unitMs[unit];
    if (factor === undefined) {
      throw new Error(`time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`);
    }
    totalMs += Number(digits) * factor;
    at += whole.length;
  }
  return sign * totalMs;
}

function integerOf(text: string, base: number): bigint | undefined {
  const [, sign = '', body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const magnitude = magnitudeOf(body, base);
  return magnitude === undefined ? undefined : sign === '-' ? -magnitude : magnitude;
}

function magnitudeOf(text: string, base: number): bigint | undefined {
  if (base === 10) return /^\d+$/.test(text) ? BigInt(text) : undefined;
  if (base === 16) return /^[0-9a-f]+$/i.test(text) ? BigInt(`0x${text}`) : undefined;
  const isGrouped = /^(0[xob]_?)?[0-9a-f]+(_[0-9a-f]+)*$/i.test(text);
  const plain = isGrouped ? text.replaceAll('_', '').toLowerCase() : text;
  if (/^0x[0-9a-f]+$/.test(plain) || /^0o[0-7]+$/.test(plain) || /^0b[01]+$/.test(plain)) {
    return BigInt(plain);
  }
  if (/^0[0-7]+$/.test(plain)) return BigInt(`0o${plain.slice(1)}`);
  return /^(0|[1-9]\d*)$/.test(plain) ? BigInt(plain) : undefined;
}

function syntaxError(name: string, text: string): Error {
  return new Error(`strconv.${name}: parsing ${quoted(text)}: invalid syntax`);
}

function rangeError(name: string, text: string): Error {
  return new Error(`strconv.${name}: parsing ${quoted(text)}: value out of range`);
}
