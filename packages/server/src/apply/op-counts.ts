import type { OpResult } from '../codec/kv-responses.ts';
import type { MvccMetrics } from '../metrics/mvcc-metrics.ts';
import type { ApplyResult } from './applier.ts';

/** Adds what an applied request did to the store's counters; operations inside a transaction count each. */
export function countOps(metrics: MvccMetrics, result: ApplyResult): void {
  switch (result.kind) {
    case 'put':
      metrics.putTotal += 1;
      break;
    case 'deleteRange':
      metrics.deleteTotal += result.deleted;
      break;
    case 'txn':
      if (countInside(metrics, result.responses) > 1) metrics.txnTotal += 1;
      break;
    case 'lease':
      if (result.ttlSeconds > 0) metrics.leaseTtlSeconds.observe(result.ttlSeconds);
      break;
    default:
  }
}

/** Operations below a transaction, those of nested ones included. */
function countInside(metrics: MvccMetrics, responses: readonly OpResult[]): number {
  let count = 0;
  for (const response of responses) {
    if (response.kind === 'txn') {
      count += countInside(metrics, response.responses);
      continue;
    }
    count += 1;
    if (response.kind === 'range') metrics.rangeTotal += 1;
    else if (response.kind === 'put') metrics.putTotal += 1;
    else metrics.deleteTotal += response.deleted;
  }
  return count;
}
