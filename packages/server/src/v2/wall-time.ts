import type { Clock } from '../clock.ts';

/** Nanoseconds since 1970. */
export function wallNs(clock: Clock): bigint {
  return BigInt(Math.floor(clock.wallMs())) * 1_000_000n;
}
