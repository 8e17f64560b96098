import { readdirSync, readFileSync } from 'node:fs';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/**
 * Adds the numbers of the process itself: process_* and nodejs_* as prom-client names them, and the file descriptors.
 * Call it once per process; a simulated member has no process and goes without.
 */
export function collectProcessMetrics(metrics: Metrics): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  metrics.appendText(() => registry.metrics());
  metrics.server.runtimeVersion = process.version;
  const limit = readDescriptorLimit();
  metrics.onCollect(() => {
    metrics.server.fdLimit = limit;
    metrics.server.fdUsed = countDescriptors();
  });
}

/** The soft limit of open files; 0 where the system does not tell. */
export function readDescriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function countDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
