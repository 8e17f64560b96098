import { type Scenario, scenarios } from '../scenarios.ts';
import type { RunningServer } from '../servers.ts';
import type { Way } from './ways.ts';

/** What one load by one way has come to. */
export interface WaySample {
  readonly load: string;
  readonly way: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the proxy's process, per call. */
  readonly cpuMicros: number;
}

/** Puts and ranges; ranges read the key that the puts before them wrote. */
export const proxyLoads: readonly Scenario[] = scenarios.filter(({ name }) => {
  return /^(put|range|serializable range)/.test(name);
});

/** Runs one load by one way, as if that were the member. */
export async function measureWay(
  load: Scenario,
  way: Way,
  member: RunningServer,
  scale: number,
): Promise<WaySample> {
  const before = way.cpuSeconds();
  const result = await load.run({ ...member, port: way.port }, scale);
  const cpuMicros = ((way.cpuSeconds() - before) / result.operations) * 1e6;
  const { perSecond, p50Ms, p99Ms } = result;
  return { load: load.name, way: way.name, perSecond, p50Ms, p99Ms, cpuMicros };
}
