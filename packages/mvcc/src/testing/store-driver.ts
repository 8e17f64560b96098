import type { Engine } from '../engine.ts';
import { keyBytesOf, keyTextOf } from '../key-text.ts';
import { decodeKeyValue } from '../key-value.ts';
import type { PackedRangeResult, RangeQuery, RangeResult } from '../range-query.ts';
import { Store, type StoreOptions } from '../store.ts';
import type { StoreEvent } from '../store-event.ts';
import type { WriteTxn } from '../write-txn.ts';
import { ManualTurns } from './manual-turns.ts';
import type { ModelAnswer, ModelQuery, ModelVersion } from './model.ts';

/** A store with small limits, so that little data reaches every path, and turns that run by hand. */
export function openStore(
  engine: Engine,
  options: Partial<StoreOptions> = {},
): { store: Store; turns: ManualTurns } {
  const turns = new ManualTurns();
  let time = 0;
  const store = Store.open({
    engine,
    cacheBytes: 4096,
    // With what is allowed besides, the longest value of the tests is left out.
    inlineValueBytes: 1,
    rangeBlocks: { keys: 3, minRangeKeys: 2 },
    compaction: { batchLimit: 3 },
    turn: turns.turn,
    // Each look at the clock takes a while, so that slices end.
    now: () => time++,
    ...options,
  });
  return { store, turns };
}

/** Runs one transaction in a batch of its own and returns what `body` returns. */
export function write<T>(store: Store, body: (txn: WriteTxn) => T): T {
  const batch = store.batch();
  const txn = batch.begin();
  const result = body(txn);
  txn.end();
  batch.commit();
  return result;
}

/** Puts a value and returns the revision. */
export function put(store: Store, key: string, value: string, lease = 0n): number {
  write(store, (txn) => txn.put(keyBytesOf(key), keyBytesOf(value), lease));
  return store.revision;
}

/** Deletes a key or a range and returns the number of deleted keys. */
export function del(store: Store, key: string, rangeEnd = ''): number {
  return write(store, (txn) => txn.deleteRange(keyBytesOf(key), keyBytesOf(rangeEnd)).length);
}

/** Compacts in a batch of its own. */
export function compact(store: Store, revision: number): void {
  const batch = store.batch();
  try {
    batch.compact(revision);
  } catch (error) {
    batch.abandon();
    throw error;
  }
  batch.commit();
}

/** A query in texts as the store takes it. */
export function toQuery(query: ModelQuery): RangeQuery {
  const { key, rangeEnd, ...rest } = query;
  const end = rangeEnd === undefined ? undefined : keyBytesOf(rangeEnd);
  return { ...rest, key: keyBytesOf(key), rangeEnd: end };
}

/** A packed answer as pairs. */
export function unpacked(answer: RangeResult | PackedRangeResult): RangeResult {
  if (!('parts' in answer)) return answer;
  const { parts, ...rest } = answer;
  return { ...rest, kvs: parts.flatMap(({ bytes, start, end }) => kvsOf(bytes, start, end)) };
}

/** The elements of a field `kvs`. */
function kvsOf(bytes: Uint8Array, start: number, end: number): Uint8Array[] {
  const kvs: Uint8Array[] = [];
  let at = start;
  while (at < end) {
    if (bytes[at++] !== 0x12) throw new Error(`no element of kvs at ${at - 1}`);
    let size = 0;
    let scale = 1;
    for (let byte = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[at++] ?? 0;
      size += (byte & 0x7f) * scale;
    }
    kvs.push(bytes.subarray(at, at + size));
    at += size;
  }
  if (at !== end) throw new Error('an element is cut');
  return kvs;
}

/** The answer of `read` in the model's words. */
export function answerOf(read: () => RangeResult): ModelAnswer {
  try {
    const { kvs, count, more } = read();
    return { kvs: kvs.map(versionOf), count, more };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'compacted' || code === 'futureRevision') return code;
    throw error;
  }
}

/** A KeyValue on the wire in the model's words; the wire does not tell the sub revision. */
export function versionOf(wire: Uint8Array): ModelVersion {
  const { key, value, createRevision, modRevision, version, lease } = decodeKeyValue(wire);
  return {
    main: modRevision,
    sub: 0,
    key: keyTextOf(key),
    deleted: version === 0,
    createRevision,
    version,
    value: keyTextOf(value),
    lease,
  };
}

/** An event in the model's words. */
export function versionOfEvent(event: StoreEvent): ModelVersion {
  return { ...versionOf(event.kv), sub: event.sub, deleted: event.deleted };
}

/** Versions without what the wire of a KeyValue does not tell. */
export function withoutSub(versions: readonly ModelVersion[]): ModelVersion[] {
  return versions.map((version) => ({ ...version, sub: 0 }));
}
