const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** Digits that an integer of 64 bits may have. */
const MAX_DIGITS = 20;

/** Bounds of the integers that a field may hold, both included. */
export interface Bounds {
  readonly min: bigint;
  readonly max: bigint;
}

export const int32Bounds: Bounds = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
export const uint32Bounds: Bounds = { min: 0n, max: 2n ** 32n - 1n };
export const int64Bounds: Bounds = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
export const uint64Bounds: Bounds = { min: 0n, max: 2n ** 64n - 1n };

/**
 * The integer that a JSON number stands for, exactly, `1.0` and `12e3` included; undefined when it is none, or out of
 * bounds.
 */
export function parseInteger(text: string, { min, max }: Bounds): bigint | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = shift(whole, fraction.replace(/0+$/, ''), Number(exponent));
  if (digits === undefined) return undefined;
  const value = BigInt(digits) * (sign === '-' ? -1n : 1n);
  // There is no negative zero, so Go takes "-0" for an unsigned number too.
  return value >= min && value <= max ? value : undefined;
}

/** Digits of `whole.fraction` times ten to the exponent; undefined when that is no integer or far too large. */
function shift(whole: string, fraction: string, exponent: number): string | undefined {
  if (whole === '0' && fraction === '') return '0';
  if (exponent >= 0) {
    if (fraction.length > exponent || whole.length + exponent > MAX_DIGITS) return undefined;
    return whole + fraction.padEnd(exponent, '0');
  }
  const kept = whole.length + exponent;
  if (fraction !== '' || kept < 0 || !/^0*$/.test(whole.slice(kept))) return undefined;
  return whole.slice(0, kept) || '0';
}
