import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RaftLog } from './log.ts';
import { MemoryStorage } from './memory-storage.ts';
import { type Entry, emptyConfState, noBytes } from './types.ts';

const entry = (term: number, index: number): Entry => ({
  term,
  index,
  type: 'normal',
  data: noBytes,
});
const all = Number.POSITIVE_INFINITY;

/** A log with these terms from index 1 on, of which the first `stored` are in storage. */
function logOf(terms: readonly number[], stored: number): RaftLog {
  const entries = terms.map((term, i) => entry(term, i + 1));
  const storage = new MemoryStorage();
  storage.append(entries.slice(0, stored));
  const log = new RaftLog(storage, 0, 0);
  log.append(entries.slice(stored));
  return log;
}

const termsOf = (log: RaftLog): number[] => log.entriesFrom(log.firstIndex, all).map((e) => e.term);

describe('the log', () => {
  it('reads the same wherever its entries are', () => {
    const terms = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(terms, fc.nat(), fc.nat(), fc.nat(), fc.nat(300), (raw, a, b, c, bytes) => {
        const sorted = raw.toSorted((x, y) => x - y);
        const length = sorted.length;
        const log = logOf(sorted, a % (length + 1));
        const whole = logOf(sorted, length);
        const lo = 1 + (b % length);
        const hi = lo + (c % (length - lo + 2));
        const indexes = (l: RaftLog) => l.slice(lo, hi, bytes).map((e) => e.index);
        expect(indexes(log)).toEqual(indexes(whole));
        for (let i = 0; i <= length + 1; i++) expect(log.termAt(i)).toBe(whole.termAt(i));
      }),
    );
  });

  it('keeps what a late message does not contradict', () => {
    const log = logOf([1, 1, 2, 2], 2);
    expect(log.maybeAppend(1, 1, [entry(1, 2)])).toBe(2);
    expect(termsOf(log)).toEqual([1, 1, 2, 2]);
  });

  it('drops the tail from the first entry on that the leader has otherwise', () => {
    for (const stored of [0, 2, 4]) {
      const log = logOf([1, 1, 2, 2], stored);
      expect(log.maybeAppend(2, 1, [entry(3, 3)])).toBe(3);
      expect(termsOf(log)).toEqual([1, 1, 3]);
      expect(
        log.unstable
          .nextEntries()
          .map((e) => e.index)
          .at(-1),
      ).toBe(3);
      expect(log.durableIndex).toBe(Math.min(stored, 2));
    }
  });

  it('refuses entries that do not meet its own', () => {
    const log = logOf([1, 1], 2);
    expect(log.maybeAppend(3, 1, [])).toBeUndefined();
    expect(log.maybeAppend(2, 2, [])).toBeUndefined();
  });

  it('never lets a committed entry be replaced', () => {
    const log = logOf([1, 1], 2);
    log.commitTo(2);
    expect(() => log.maybeAppend(1, 1, [entry(2, 2)])).toThrow('committed');
  });

  it('does not take an overwritten entry for durable', () => {
    const log = logOf([1, 1], 0);
    log.unstable.accept();
    log.maybeAppend(1, 1, [entry(2, 2)]);
    log.unstable.stableTo(2, 1);
    expect(log.durableIndex).toBe(0);
    log.unstable.stableTo(2, 2);
    expect(log.durableIndex).toBe(2);
  });

  it('hands out for application only what storage has', () => {
    const log = logOf([1, 1, 1], 1);
    log.commitTo(3);
    expect(log.nextCommitted(all).map((e) => e.index)).toEqual([1]);
  });

  it('finds where two logs can agree at best', () => {
    const log = logOf([1, 1, 4, 4, 5], 3);
    expect(log.lastIndexOfTerm(5, 5)).toBe(5);
    expect(log.lastIndexOfTerm(5, 4)).toBe(4);
    expect(log.lastIndexOfTerm(9, 3)).toBe(2);
    expect(log.lastIndexOfTerm(5, 0)).toBe(0);
  });

  it('begins anew after a snapshot', () => {
    const log = logOf([1, 1], 2);
    const metadata = { confState: emptyConfState, index: 7, term: 3 };
    log.restore({ metadata, data: noBytes });
    expect([log.firstIndex, log.lastIndex, log.committed, log.termAt(7)]).toEqual([8, 7, 7, 3]);
    expect(log.hasNextCommitted()).toBe(false);
  });
});
