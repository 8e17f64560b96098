import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoreEvent } from '../store-event.ts';
import { EventRing } from './event-ring.ts';
import { MemorySource } from './testing/memory-source.ts';

/** Events of revisions 2, 3, … with as many changes each as `counts` says. */
function eventsOf(counts: readonly number[]): StoreEvent[] {
  const source = new MemorySource();
  for (const count of counts) {
    source.commit(Array.from({ length: count }, (_, n) => [`key${n}`, 'v'] as const));
  }
  return source.events;
}

function names(events: readonly StoreEvent[]): string[] {
  return events.map(({ main, sub }) => `${main}.${sub}`);
}

describe('EventRing', () => {
  it('starts empty behind the newest revision', () => {
    const ring = new EventRing(1000, 7);
    expect([ring.firstRevision, ring.nextRevision, ring.size]).toEqual([8, 8, 0]);
  });

  it('reads whole revisions up to its limits, at least one', () => {
    const ring = new EventRing(1_000_000, 1);
    ring.append(eventsOf([1, 3, 2]), 4);
    const read = (from: number, until: number, limitEvents: number, limitBytes: number) => {
      const out: StoreEvent[] = [];
      return [ring.read(from, until, limitEvents, limitBytes, out), names(out).join(' ')];
    };
    expect(read(2, 5, 100, 1e6)).toEqual([5, '2.0 3.0 3.1 3.2 4.0 4.1']);
    expect(read(2, 5, 4, 1e6)).toEqual([4, '2.0 3.0 3.1 3.2']);
    expect(read(2, 5, 3, 1e6)).toEqual([3, '2.0']);
    expect(read(3, 5, 1, 1)).toEqual([4, '3.0 3.1 3.2']);
    expect(read(2, 4, 100, 1e6)).toEqual([4, '2.0 3.0 3.1 3.2']);
    expect(read(5, 5, 100, 1e6)).toEqual([5, '']);
    expect(ring.countFrom(3)).toBe(5);
  });

  it('drops the oldest revisions whole, even the only one when it is too large', () => {
    const ring = new EventRing(1, 1);
    ring.append(eventsOf([2]), 2);
    expect([ring.size, ring.bytes, ring.firstRevision]).toEqual([0, 0, 3]);
  });

  it('keeps the newest whole revisions within its budget, whatever is added', () => {
    const commits = fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(commits, fc.integer({ min: 0, max: 20_000 }), (sizes, maxBytes) => {
        const ring = new EventRing(maxBytes, 1);
        const all = eventsOf(sizes.flat());
        let revision = 1;
        for (const commit of sizes) {
          const first = revision + 1;
          revision += commit.length;
          const until = revision;
          ring.append(
            all.filter(({ main }) => main >= first && main <= until),
            revision,
          );
          const out: StoreEvent[] = [];
          expect(ring.read(ring.firstRevision, Infinity, 1e9, 1e9, out)).toBe(revision + 1);
          const expected = all.filter(({ main }) => main >= ring.firstRevision && main <= revision);
          expect(names(out)).toEqual(names(expected));
          expect(ring.bytes).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  it('grows with its budget', () => {
    const ring = new EventRing(64 * 1024 * 1024, 1);
    const events = eventsOf(new Array(3000).fill(1));
    ring.append(events, 3001);
    expect([ring.size, ring.firstRevision]).toEqual([3000, 2]);
  });
});
