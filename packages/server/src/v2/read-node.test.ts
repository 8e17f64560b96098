import { MemoryEngine, Store } from '@kvorum/mvcc';
import { expect, it } from 'vitest';
import { type V2Request, v2Request } from '../codec/v2-request.ts';
import { readNode } from './read-node.ts';
import { V2Store } from './v2-store.ts';

it('shows a large directory as it was when it was asked for, and lets others have their turn', async () => {
  const store = Store.open({ engine: new MemoryEngine(), turn: setImmediate, now: () => 0 });
  const v2 = new V2Store();
  const apply = (requests: readonly V2Request[]) => {
    const batch = store.batch();
    for (const request of requests) v2.apply(batch, request);
    batch.commit();
  };
  const paths = Array.from({ length: 500 }, (_, i) => `/1/d/${String(i).padStart(3, '0')}`);
  apply(paths.map((path) => v2Request('PUT', { path, value: 'before' })));

  let nowMs = 0;
  let turnsTaken = 0;
  const turns = {
    // Each look at the clock takes a while.
    nowMs: () => nowMs++,
    nextTurn: (callback: () => void) => {
      turnsTaken += 1;
      setImmediate(callback);
    },
  };
  const query = { path: '/1/d', isRecursive: true, nowNs: 0n, index: v2.index };
  const reading = readNode(store, query, turns);
  apply(paths.map((path) => v2Request('PUT', { path, value: 'after' })));
  apply([v2Request('DELETE', { path: '/1/d', isRecursive: true })]);
  const { node } = JSON.parse(await reading) as { node: { nodes: { value: string }[] } };
  expect(turnsTaken).toBeGreaterThan(0);
  expect(node.nodes).toHaveLength(500);
  expect(new Set(node.nodes.map(({ value }) => value))).toEqual(new Set(['before']));
});
