import { KeyValueParts, withoutValue } from './key-value.ts';
import type { RangeQuery, SortTarget } from './range-query.ts';

/** A range query with every choice made: what to fetch, and what to do with it. */
export interface RangePlan {
  /** Most keys to answer; 0 for all. */
  readonly limit: number;
  /** Keys to fetch, in key order or against it: one more than the limit, or 0 for all. */
  readonly fetchLimit: number;
  /** Fetch from the highest key down. */
  readonly reverse: boolean;
  /** What to sort the fetched by; undefined when they come in the right order. */
  readonly sortBy: SortTarget | undefined;
  readonly descending: boolean;
  readonly keysOnly: boolean;
  readonly dropLease: boolean;
  readonly countOnly: boolean;
  readonly filters: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

/**
 * Decides how a query is answered as etcd answers it. A limit cuts in key order while keys are fetched,
 * unless an order other than by ascending key was asked for or revisions are filtered: then all keys are
 * fetched, and cut after that. So a sort target without an order sorts only what the limit left over.
 *
 * @param ofLatest whether the newest versions are read; only they can be fetched against the key order.
 */
export function rangePlan(query: RangeQuery, ofLatest: boolean): RangePlan {
  const limit = Math.max(0, query.limit ?? 0);
  const order = query.sortOrder ?? 'none';
  const target = query.sortTarget ?? 'key';
  const byKey = target === 'key';
  const minModRevision = query.minModRevision ?? 0;
  const maxModRevision = query.maxModRevision ?? 0;
  const minCreateRevision = query.minCreateRevision ?? 0;
  const maxCreateRevision = query.maxCreateRevision ?? 0;
  const filters =
    minModRevision !== 0 ||
    maxModRevision !== 0 ||
    minCreateRevision !== 0 ||
    maxCreateRevision !== 0;
  const inKeyOrder = order === 'none' || (byKey && order === 'ascend');
  const descendingKeys = byKey && order === 'descend';
  // Fetching from the highest key down gives what fetching all, reversing and cutting would give.
  const reverse = descendingKeys && ofLatest;
  const fetchAll = limit === 0 || filters || !(inKeyOrder || reverse);
  return {
    limit,
    fetchLimit: fetchAll ? 0 : limit + 1,
    reverse,
    sortBy: byKey ? (descendingKeys && !reverse ? 'key' : undefined) : target,
    descending: order === 'descend',
    keysOnly: query.keysOnly === true,
    // Since 3.7 etcd answers keys_only from its index, which does not know leases.
    dropLease: target !== 'value',
    countOnly: query.countOnly === true,
    filters,
    minModRevision,
    maxModRevision,
    minCreateRevision,
    maxCreateRevision,
  };
}

/** Whether what is fetched, in key order, is the answer, but for one key beyond the limit. */
export function isPlain(plan: RangePlan): boolean {
  const { reverse, sortBy, keysOnly, countOnly, filters } = plan;
  return !(reverse || keysOnly || countOnly || filters) && sortBy === undefined;
}

/** Whether a KeyValue passes the bounds on revisions. */
export function isWanted(wire: Uint8Array, plan: RangePlan): boolean {
  if (!plan.filters) return true;
  const { createRevision, modRevision } = new KeyValueParts(wire, wire.length);
  if (plan.maxModRevision !== 0 && modRevision > plan.maxModRevision) return false;
  if (plan.minModRevision !== 0 && modRevision < plan.minModRevision) return false;
  if (plan.maxCreateRevision !== 0 && createRevision > plan.maxCreateRevision) return false;
  return plan.minCreateRevision === 0 || createRevision >= plan.minCreateRevision;
}

/** Sorts and cuts what was fetched, and strips the values if they are not wanted. */
export function arrangeKvs(
  fetched: Uint8Array[],
  plan: RangePlan,
): { kvs: Uint8Array[]; more: boolean } {
  let kvs = fetched;
  if (plan.sortBy === 'key') kvs.reverse();
  else if (plan.sortBy === 'value') kvs = sortByValue(kvs, plan.descending);
  else if (plan.sortBy !== undefined) kvs = sortByNumber(kvs, plan.sortBy, plan.descending);
  const more = plan.limit > 0 && kvs.length > plan.limit;
  if (more) kvs = kvs.slice(0, plan.limit);
  if (plan.keysOnly) kvs = kvs.map((wire) => withoutValue(wire, plan.dropLease));
  return { kvs, more };
}

function sortByNumber(
  kvs: readonly Uint8Array[],
  target: 'version' | 'create' | 'mod',
  descending: boolean,
): Uint8Array[] {
  const sign = descending ? -1 : 1;
  const keyed = kvs.map((wire) => ({ wire, by: numberOf(wire, target) }));
  keyed.sort((a, b) => sign * (a.by - b.by));
  return keyed.map(({ wire }) => wire);
}

function numberOf(wire: Uint8Array, target: 'version' | 'create' | 'mod'): number {
  const parts = new KeyValueParts(wire, wire.length);
  if (target === 'version') return parts.version;
  return target === 'create' ? parts.createRevision : parts.modRevision;
}

function sortByValue(kvs: readonly Uint8Array[], descending: boolean): Uint8Array[] {
  const sign = descending ? -1 : 1;
  const keyed = kvs.map((wire) => {
    const parts = new KeyValueParts(wire, wire.length);
    return { wire, by: wire.subarray(parts.valueStart, parts.valueEnd) };
  });
  keyed.sort((a, b) => sign * Buffer.compare(a.by, b.by));
  return keyed.map(({ wire }) => wire);
}
