import type { V2Counts } from '../v2/store-stats.ts';
import { TextExposition } from './text-exposition.ts';

/** What the metrics of the v2 API are read from. */
export interface V2MetricsSource {
  readonly counts: V2Counts;
  /** Those who wait. */
  readonly hub: { readonly count: number };
}

const WRITES = [
  ['set', 'sets'],
  ['create', 'create'],
  ['update', 'update'],
  ['delete', 'delete'],
  ['compareAndSwap', 'compareAndSwap'],
  ['compareAndDelete', 'compareAndDelete'],
] as const;

/** Lines of GET /metrics about the v2 keys, by the names of etcd 3.4. */
export function v2MetricsText({ counts, hub }: V2MetricsSource): string {
  const out = new TextExposition();
  const family = (name: string, help: string, outcome: 'Success' | 'Fail') => {
    out.open(`etcd_debugging_store_writes_${name}`, 'counter', help);
    for (const [action, counted] of WRITES) out.sample({ action }, counts[`${counted}${outcome}`]);
  };
  out.open('etcd_debugging_store_reads_total', 'counter', 'Reads of v2 keys.');
  out.sample({ action: 'get' }, counts.getsSuccess);
  out.open('etcd_debugging_store_reads_failed_total', 'counter', 'Reads of v2 keys that failed.');
  out.sample({ action: 'get' }, counts.getsFail);
  family('total', 'Changes of v2 keys.', 'Success');
  family('failed_total', 'Changes of v2 keys that were refused.', 'Fail');
  out.counter('etcd_debugging_store_expires_total', 'v2 keys that expired.', counts.expireCount);
  out.gauge('etcd_debugging_store_watchers', 'Clients that wait for v2 keys.', hub.count);
  return out.toString();
}
