import { historyEndOf, historySeekKey, mainOfHistoryKey, subOfHistoryKey } from './history-key.ts';
import { keyTextOf } from './key-text.ts';
import { arrangeKvs, isWanted, rangePlan } from './range-plan.ts';
import type { RangeQuery, RangeResult } from './range-query.ts';
import { type RangeView, readRevision } from './range-reader.ts';
import { FLAG_TOMBSTONE } from './revision-row.ts';
import type { StoreState } from './store-state.ts';

/** Answers a query for one key: the hot read, served from the cache without a scan. */
export function readSingle(view: RangeView, query: RangeQuery): RangeResult {
  const { state } = view;
  const at = readRevision(view, query.revision ?? 0);
  const keyText = keyTextOf(query.key);
  const wire =
    at >= state.revision ? latestWire(view, keyText, at) : pastWire(state, query.key, keyText, at);
  if (wire === undefined) return { kvs: [], count: 0, more: false, revision: view.revision };
  const plan = rangePlan(query, true);
  const wanted = !plan.countOnly && isWanted(wire, plan);
  const { kvs } = arrangeKvs(wanted ? [wire] : [], plan);
  return { kvs, count: 1, more: false, revision: view.revision };
}

function latestWire(view: RangeView, keyText: string, at: number): Uint8Array | undefined {
  const { state } = view;
  const overlay = at > state.revision ? view.overlayAt(at) : undefined;
  const changed = overlay?.get(keyText);
  const entry = changed === undefined ? state.latest(keyText) : changed;
  return entry === null ? undefined : state.wireOf(entry);
}

function pastWire(
  state: StoreState,
  key: Uint8Array,
  keyText: string,
  at: number,
): Uint8Array | undefined {
  const latest = state.latest(keyText);
  if (latest !== null && latest.modRevision <= at) return state.wireOf(latest);
  const scan = state.engine.scan('history', {
    gte: historySeekKey(key, at),
    lt: historyEndOf(key),
    limit: 1,
  });
  const [historyKey, flags] = scan.next(1);
  scan.close();
  if (historyKey === undefined || ((flags?.[0] ?? 0) & FLAG_TOMBSTONE) !== 0) return undefined;
  return state.wireAt(mainOfHistoryKey(historyKey), subOfHistoryKey(historyKey));
}
