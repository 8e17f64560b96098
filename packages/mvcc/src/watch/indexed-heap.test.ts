import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexedHeap } from './indexed-heap.ts';

interface Entry {
  name: number;
  heapIndex: number;
}

function entry(name: number): Entry {
  return { name, heapIndex: -1 };
}

describe('IndexedHeap', () => {
  it('gives items back in order of their keys', () => {
    const heap = new IndexedHeap<Entry>();
    for (const key of [5, 1, 4, 2, 3]) heap.set(entry(key), key);
    const order: number[] = [];
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) order.push(item.name);
    expect(order).toEqual([1, 2, 3, 4, 5]);
    expect(heap.minKey).toBe(Number.POSITIVE_INFINITY);
  });

  it('moves an item whose key changed', () => {
    const heap = new IndexedHeap<Entry>();
    const [a, b] = [entry(1), entry(2)];
    heap.set(a, 10);
    heap.set(b, 20);
    heap.set(a, 30);
    expect(heap.peek()).toBe(b);
    heap.set(a, 5);
    expect(heap.peek()).toBe(a);
    expect(heap.size).toBe(2);
  });

  it('does not take an item of another heap for its own', () => {
    const [heap, other] = [new IndexedHeap<Entry>(), new IndexedHeap<Entry>()];
    const [a, b] = [entry(1), entry(2)];
    heap.set(a, 1);
    other.set(b, 1);
    expect(heap.has(b)).toBe(false);
    expect(heap.delete(b)).toBe(false);
    expect(other.has(b)).toBe(true);
  });

  it('equals a sorted list under random sets, removals and pops', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), item: fc.nat(15), key: fc.nat(30) }),
      fc.record({ kind: fc.constant('delete' as const), item: fc.nat(15), key: fc.constant(0) }),
      fc.record({ kind: fc.constant('pop' as const), item: fc.constant(0), key: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const heap = new IndexedHeap<Entry>();
        const items = Array.from({ length: 16 }, (_, name) => entry(name));
        const keys = new Map<Entry, number>();
        for (const { kind, item: index, key } of steps) {
          const item = items[index] ?? entry(-1);
          if (kind === 'set') {
            heap.set(item, key);
            keys.set(item, key);
          } else if (kind === 'delete') {
            expect(heap.delete(item)).toBe(keys.delete(item));
          } else {
            const popped = heap.pop();
            if (popped === undefined) expect(keys.size).toBe(0);
            else {
              expect(keys.get(popped)).toBe(Math.min(...keys.values()));
              keys.delete(popped);
            }
          }
          expect(heap.size).toBe(keys.size);
          expect(heap.minKey).toBe(Math.min(...keys.values()));
          for (const candidate of items) expect(heap.has(candidate)).toBe(keys.has(candidate));
        }
      }),
      { numRuns: 200 },
    );
  });
});
