import { hexEscape } from './go-quote.ts';

// Text as Go's fmt package and go-humanize print it.

/** Bytes for `--hex`: `\x66\x6f`. */
export function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map(hexEscape).join('');
}

/** A number in base 16 with at least 16 digits, as %016x; negative ones keep their sign. */
export function hexId(id: bigint): string {
  const digits = (id < 0n ? -id : id).toString(16);
  return id < 0n ? `-${digits.padStart(15, '0')}` : digits.padStart(16, '0');
}

/** Bytes with an SI unit, as go-humanize: `20 kB`, `2.1 GB`. */
export function humanBytes(size: bigint): string {
  if (size < 10n) return `${size} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  const exponent = Math.floor(Math.log(Number(size)) / Math.log(1000));
  const value = Math.floor((Number(size) / 1000 ** exponent) * 10 + 0.5) / 10;
  const digits = value < 10 ? value.toFixed(1) : String(halfEven(value));
  return `${digits} ${units[exponent] ?? 'EB'}`;
}

/** Rounds as %.0f does: halves to the even neighbour. */
function halfEven(value: number): number {
  const whole = Math.floor(value);
  if (value - whole !== 0.5) return Math.round(value);
  return whole % 2 === 0 ? whole : whole + 1;
}

/** A duration as Go prints it: `1.336204ms`, `2m3.5s`. */
export function goDuration(durationMs: number): string {
  const ns = Math.round(durationMs * 1e6);
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const seconds = Math.floor(ns / 1e9);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${Number(((seconds % 60) + (ns % 1e9) / 1e9).toFixed(9))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
