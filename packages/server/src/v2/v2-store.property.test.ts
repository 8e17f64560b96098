import { decodeKeyValue, MemoryEngine, Store } from '@kvorum/mvcc';
import { describe, expect, it } from 'vitest';
import type { V2Request } from '../codec/v2-request.ts';
import { decodeV2Request, encodeV2Request } from '../codec/v2-request.ts';
import { readNode } from './read-node.ts';
import { V2_KEY_PREFIX } from './reserved-keys.ts';
import { randomV2Request } from './testing/random-v2-request.ts';
import { type ModelOutcome, V2Model } from './testing/v2-model.ts';
import { V2Error } from './v2-error.ts';
import { type V2Outcome, V2Store } from './v2-store.ts';

const SEEDS = Number(process.env.KVORUM_RUNS ?? 40);
const STEPS = 150;

/** Mulberry32: enough for choosing requests. */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

function openStore(): { store: Store; v2: V2Store } {
  const store = Store.open({ engine: new MemoryEngine(), turn: setImmediate, now: () => 0 });
  return { store, v2: new V2Store() };
}

/** What the model says of an outcome. */
function summary(outcome: V2Outcome): ModelOutcome | undefined {
  if (outcome === undefined) return undefined;
  if (outcome instanceof V2Error) return [outcome.code, outcome.reason, outcome.index];
  const { node } = JSON.parse(outcome.json) as { node: { createdIndex: number } };
  return [outcome.action, outcome.path, outcome.index, node.createdIndex];
}

interface Listed {
  readonly key: string;
  readonly value?: string;
  readonly dir?: boolean;
  readonly nodes?: readonly Listed[];
  readonly modifiedIndex: number;
  readonly createdIndex: number;
}

const turns = { nowMs: () => 0, nextTurn: setImmediate };

async function listed(store: Store, { index }: V2Store): Promise<ModelOutcome[]> {
  const query = { path: '/1', isRecursive: true, nowNs: 0n, index };
  const json = await readNode(store, query, turns);
  const walk = ({ key, value, nodes, modifiedIndex, createdIndex }: Listed): ModelOutcome[] => [
    [key, value ?? 'dir', modifiedIndex, createdIndex],
    ...(nodes ?? []).flatMap(walk),
  ];
  const { node } = JSON.parse(json) as { node: Listed };
  return (node.nodes ?? []).flatMap(walk);
}

/** Files as the v3 API sees them. */
function filesInV3(store: Store): [string, string][] {
  const key = Buffer.from(`${V2_KEY_PREFIX}/`);
  const { kvs } = store.range({ key, rangeEnd: Buffer.from(`${V2_KEY_PREFIX}0`) });
  return kvs.map((wire) => {
    const kv = decodeKeyValue(wire);
    const path = Buffer.from(kv.key).toString().slice(V2_KEY_PREFIX.length);
    return [path, Buffer.from(kv.value).toString()];
  });
}

function filesOf(model: V2Model): [string, string][] {
  return [...model.nodes]
    .filter(([, { isDir }]) => !isDir)
    .map(([path, { value }]): [string, string] => [path.slice(2), value])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function rowsOf(store: Store): string[] {
  const scan = store.engine.scan('meta', { gte: Buffer.from('v2/'), lt: Buffer.from('v20') });
  const rows = scan.next(1_000_000).map((bytes) => Buffer.from(bytes).toString('latin1'));
  scan.close();
  return rows;
}

/** Applies requests in batches of random sizes. */
function applyAll(requests: readonly V2Request[], below: (bound: number) => number): Store {
  const { store, v2 } = openStore();
  for (let at = 0; at < requests.length; ) {
    const batch = store.batch();
    const end = at + 1 + below(20);
    for (; at < Math.min(end, requests.length); at++) {
      v2.apply(batch, requests[at] as V2Request);
    }
    batch.commit();
    // Now and then what a restart would have.
    if (below(4) === 0) v2.load(store.engine);
  }
  return store;
}

describe('the v2 keys, against a model', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))('seed %i', async (seed) => {
    const below = randomOf(seed);
    const model = new V2Model();
    const { store, v2 } = openStore();
    const requests: V2Request[] = [];
    for (let step = 0; step < STEPS; step++) {
      const request = randomV2Request(below, step, model.index);
      expect(decodeV2Request(encodeV2Request(request))).toEqual(request);
      requests.push(request);
      const batch = store.batch();
      const outcome = v2.apply(batch, request);
      batch.commit();
      const expected = model.apply(request);
      if (request.method !== 'SYNC') expect(summary(outcome), `step ${step}`).toEqual(expected);
      expect(v2.index).toBe(model.index);
    }
    expect(await listed(store, v2)).toEqual(model.listing());
    expect(filesInV3(store)).toEqual(filesOf(model));
    // How the log is cut into batches, and restarts, make no difference.
    expect(rowsOf(applyAll(requests, below))).toEqual(rowsOf(store));
  });
});
