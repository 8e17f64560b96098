import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';

describe('Histogram', () => {
  it('has exponential bounds that print as they are meant', () => {
    const { bounds } = Histogram.exponential(0.001, 2, 14);
    expect([...bounds].map(String).slice(0, 5)).toEqual([
      '0.001',
      '0.002',
      '0.004',
      '0.008',
      '0.016',
    ]);
    expect(bounds[13]).toBe(8.192);
  });

  it('counts a value in the first bucket whose bound is not below it', () => {
    const histogram = new Histogram([1, 2, 4]);
    for (const value of [0, 1, 1.5, 2, 4, 4.1, Number.POSITIVE_INFINITY]) {
      histogram.observe(value);
    }
    expect([...histogram.counts]).toEqual([2, 2, 1, 2]);
    expect(histogram.count).toBe(7);
  });

  it('loses no observation', () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }));
    fc.assert(
      fc.property(values, (observed) => {
        const histogram = Histogram.exponential(0.001, 2, 14);
        for (const value of observed) {
          histogram.observe(value);
        }
        const total = histogram.counts.reduce((sum, count) => sum + count, 0);
        expect(total).toBe(observed.length);
        expect(histogram.count).toBe(observed.length);
        expect(histogram.sum).toBe(observed.reduce((sum, value) => sum + value, 0));
      }),
    );
  });
});
